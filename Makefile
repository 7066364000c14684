# Whatchat. `make help` lists the targets; what a target needs, it sets up by itself.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

HOST     ?= 127.0.0.1
PORT     ?= 8000
DATA_DIR ?= ./data

PROM_PORT    ?= 9090
GRAFANA_PORT ?= 3000

BIN    := .venv/bin
PYTEST := $(BIN)/pytest -n 3 --dist loadscope
SEAMS  := tests/conformance/test_seams*.py tests/integration/test_http_front.py
FAST   := tests/unit tests/ports tests/integration/test_layout.py tests/integration/test_locks.py
ALONE  := tests/chaos/test_chaos.py tests/rollout/test_rollout.py tests/e2e/test_hostile_crowd.py tests/integration/pods/test_rebalancing.py tests/integration/load/test_make_load.py
COVER  := --cov --cov-report=term:skip-covered --durations=25
JS     := tests/js/node_modules/.package-lock.json
BENCH  := loadtests/bench/peers/node/node_modules/.package-lock.json
LOAD   := $(if $(USERS),--users $(USERS)) $(if $(filter file,$(origin HOST)),,--host "$(HOST)")
TINY   := --connections 60 --rounds 1 --seconds 0.1 --pressure 0.1

.PHONY: help serve cluster observe check test test-full image-test static format docs rules dashboards k8s chart-docs chart-golden chart-test screenshots chaos rollout load bench bench-durable bench-node bench-sync bench-presence bench-limits bench-scrape bench-debug bench-growth bench-rebalance bench-users bench-smoke seams-latest lock audit setup tools clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

serve: .venv/runtime ## Run one node with the embedded store: HOST=127.0.0.1 PORT=8000 DATA_DIR=./data
	@mkdir -p "$(DATA_DIR)"
	@WHATCHAT_STORE_URL="sqlite:///$(DATA_DIR)/whatchat.db" \
	    exec $(BIN)/whatchat serve --host "$(HOST)" --port "$(PORT)"

cluster: .venv/dev tools ## Run three pods, a worker, MongoDB, Redis and HAProxy on this machine: PORT=8000
	@exec $(BIN)/python -m tests.servers.cluster --port "$(PORT)"

observe: .venv/dev tools ## Run that with people on it, Prometheus, and Grafana where there is one: PROM_PORT=9090; OBSERVE_FLAGS=--help
	@exec $(BIN)/python -m tests.servers.observe --port "$(PORT)" --prom-port "$(PROM_PORT)" \
	    --grafana-port "$(GRAFANA_PORT)" $(OBSERVE_FLAGS)

check: static ## Static checks, unit tests and the embedded port suites; at most 3 minutes
	$(PYTEST) -m "not long" $(FAST)

test: setup static ## All static checks, and every test but the long ones, with coverage
	$(PYTEST) -m "not long and not alone and not image" $(COVER)
	$(BIN)/pytest -m "alone and not long" $(ALONE)

test-full: setup static ## Everything, the long tests included
	$(PYTEST) --hypothesis-profile=long -m "not alone and not image" $(COVER)
	$(BIN)/pytest --hypothesis-profile=long -m alone $(ALONE)

image-test: .venv/dev tools ## Build the image without any registry or daemon, and run it; PYTHON_IMAGE=python:3.13.15-slim-trixie where there is one
	@.ci/install buildah debootstrap
	$(BIN)/pytest tests/image

static: .venv/dev $(JS) ## Lint, formatting, types, layering and generated documents
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/whatchat schema openapi --check
	$(BIN)/whatchat schema asyncapi --check
	$(BIN)/whatchat schema admin --check
	$(BIN)/whatchat schema metrics --check
	$(BIN)/python -m dashboards.source --check

format: .venv/dev ## Format the code and mend what the linter can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: .venv/dev ## Make docs/openapi.json, docs/asyncapi.json, docs/admin.json and docs/metrics.md anew
	$(BIN)/whatchat schema openapi > docs/openapi.json
	$(BIN)/whatchat schema asyncapi > docs/asyncapi.json
	$(BIN)/whatchat schema admin > docs/admin.json
	$(BIN)/whatchat schema metrics > docs/metrics.md

rules: .venv/dev ## Check the alerting rules, and test each: that it fires, that it does not, its runbook
	@.ci/install prometheus
	promtool check rules --lint-fatal dashboards/rules/*.yaml
	promtool test rules dashboards/rules/tests/*.yaml
	$(BIN)/pytest -q tests/unit/alerts

dashboards: .venv/dev ## Make dashboards/*.json anew from dashboards/source
	$(BIN)/python -m dashboards.source

k8s: .venv/dev tools ## Make the plain manifests in k8s/ anew from the chart
	$(BIN)/python -m tests.chart.manifests

chart-docs: .venv/dev tools ## Make the chart's README anew from its values and their comments
	$(BIN)/python -m tests.chart.readme

chart-golden: .venv/dev tools ## Keep what the chart renders now as what it is to render: look at the difference
	$(BIN)/python -m tests.chart.golden

chart-test: .venv/dev $(JS) tools ## Render the chart and the manifests with every example, and hold all objects against schemas and policies
	$(BIN)/pytest -q tests/chart

screenshots: .venv/dev tools ## Take the pictures of the playground that the README shows
	@.ci/install =fonts-noto-color-emoji
	$(BIN)/python -m tests.e2e.browser.screenshots

chaos: .venv/dev tools ## Break one thing after the other under load, in 12 minutes; CHAOS_FLAGS=--help
	$(BIN)/python -m tests.chaos $(CHAOS_FLAGS)

rollout: .venv/dev tools ## Replace all pods under load as Kubernetes would, in 10 minutes; ROLLOUT_FLAGS=--help
	$(BIN)/python -m tests.rollout $(ROLLOUT_FLAGS)

load: .venv/dev tools ## Play a scenario with Locust and judge it: SCENARIO=pairs USERS=1000 HOST=http://…; LOAD_FLAGS=--help
	@exec $(BIN)/python -m loadtests $(SCENARIO) $(LOAD) $(LOAD_FLAGS)

bench: .venv/dev $(BENCH) ## Compare with python-socketio and Node's socket.io, and all of the below, in 55 minutes; BENCH_FLAGS=--help
	$(BIN)/python -m loadtests.bench $(BENCH_FLAGS)
	@$(MAKE) bench-durable
	@$(MAKE) bench-node
	@$(MAKE) bench-sync
	@$(MAKE) bench-presence
	@$(MAKE) bench-limits
	@$(MAKE) bench-scrape
	@$(MAKE) bench-debug

bench-durable: .venv/dev tools ## Measure pods over MongoDB and Redis, in 10 minutes; DURABLE_FLAGS=--help
	$(BIN)/python -m loadtests.bench.durable $(DURABLE_FLAGS)

bench-node: .venv/dev $(BENCH) tools ## Compare pods with a plain Node stack over MongoDB and Redis, in 10 minutes; NODE_FLAGS=--help
	$(BIN)/python -m loadtests.bench.durable --servers ours,node --seconds 4 $(NODE_FLAGS)

bench-sync: .venv/dev tools ## Measure the sync of 1,000 rooms over MongoDB and SQLite; SYNC_FLAGS=--help
	$(BIN)/python -m loadtests.bench.catching_up $(SYNC_FLAGS)

bench-presence: .venv/dev tools ## Have 10,000 people come at once, and half of them go, in 3 minutes; PRESENCE_FLAGS=--help
	$(BIN)/python -m loadtests.bench.presence $(PRESENCE_FLAGS)

bench-limits: .venv/dev tools ## Measure what limits and audit add to a message, in 4 minutes; LIMITS_FLAGS=--help
	$(BIN)/python -m loadtests.bench.limits $(LIMITS_FLAGS)

bench-scrape: .venv/dev ## Measure what a scrape takes of a pod with 10,000 sockets, in 1 minute; SCRAPE_FLAGS=--help
	$(BIN)/python -m loadtests.bench.scraping $(SCRAPE_FLAGS)

bench-debug: .venv/dev tools ## Measure what looking into a pod of 10,000 sockets adds to messages, in 3 minutes; DEBUG_FLAGS=--help
	$(BIN)/python -m loadtests.bench.debugging $(DEBUG_FLAGS)

bench-growth: .venv/dev tools ## Measure how cost grows with connections, messages, pods, rooms and backlog, in 13 minutes; GROWTH_FLAGS=--help
	$(BIN)/python -m loadtests.bench.growth $(GROWTH_FLAGS)

bench-rebalance: .venv/dev tools ## Have two pods with 2,000 sockets share them with two more, in 4 minutes; REBALANCE_FLAGS=--help
	$(BIN)/python -m loadtests.bench.rebalancing $(REBALANCE_FLAGS)

bench-users: .venv/dev ## Measure what a person of a load test costs who plays it, beside Locust's own, in 4 minutes; USERS_FLAGS=--help
	$(BIN)/python -m loadtests.bench.users $(USERS_FLAGS)

bench-smoke: .venv/dev $(BENCH) ## The same with tiny numbers: that it works, not how fast anything is
	@.ci/install redis-server
	$(BIN)/python -m loadtests.bench $(TINY)
	$(BIN)/python -m loadtests.bench $(TINY) --redis
	@$(MAKE) bench-durable DURABLE_FLAGS="--connections 40 --rounds 1 --seconds 0.2 --pressure 0.05"
	@$(MAKE) bench-node NODE_FLAGS="--connections 40 --rounds 1 --seconds 0.2 --pressure 0.05"
	@$(MAKE) bench-sync SYNC_FLAGS="--rooms 20 --rounds 1"
	@$(MAKE) bench-limits LIMITS_FLAGS="--connections 20 --rate 50 --seconds 0.5 --rounds 1"
	@$(MAKE) bench-debug DEBUG_FLAGS="--connections 20 --rate 50 --seconds 0.5 --rounds 1"
	@$(MAKE) bench-growth GROWTH_FLAGS="--rounds 1 --seconds 0.1 --rest 0.1 --scale 0.01 --shared"

setup: $(BENCH)

seams-latest: .venv/dev ## The seams' tests on the newest releases of the libraries behind them
	.ci/seams-latest $(SEAMS)

lock: .venv/dev ## Make the lock files anew from pyproject.toml; LOCK_FLAGS=--upgrade for newer versions
	.ci/lock $(LOCK_FLAGS)

audit: .venv/dev ## Ask PyPI for known vulnerabilities of what the lock files name; says so if it cannot
	@.ci/audit

setup: .venv/dev $(JS) tools ## Install all that the tests need

tools: ## Install Chromium, strace, Redis, HAProxy, OpenSSL, faketime, Prometheus, MongoDB, Helm and kubectl where they are missing
	@.ci/install chromium strace redis-server haproxy openssl faketime prometheus
	@.ci/mongod >/dev/null
	@.ci/kubernetes >/dev/null

clean: ## Remove what was installed and cached here; the data stays
	rm -rf .venv .cache tests/js/node_modules loadtests/bench/peers/node/node_modules bench-results load-results .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*

.venv/runtime: .ci/requirements.txt .ci/venv pyproject.toml
	@.ci/venv .ci/requirements.txt
	@touch $@

.venv/dev: .ci/requirements-dev.txt .ci/venv pyproject.toml
	@.ci/venv .ci/requirements-dev.txt
	@touch .venv/runtime $@

$(JS): tests/js/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: the tests need Node.js 20 or later" >&2; exit 1; }
	@cd tests/js && npm ci --no-progress
	@touch $@

$(BENCH): loadtests/bench/peers/node/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: the benchmark needs Node.js 20 or later" >&2; exit 1; }
	@cd loadtests/bench/peers/node && npm ci --no-progress
	@touch $@
