"""The local cluster with people on it, and what there is to see them by.

``python -m tests.servers.observe`` runs it until it is told to stop.
"""

import argparse
import secrets
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from threading import Event

from loadtests.swarm.views.figures import PORT
from tests.servers import grafana
from tests.servers.by_hand import CannotStart, arguments, in_a_line, require_free, run_by_hand, tell
from tests.servers.cluster import Cluster, by_hand, tell_of
from tests.servers.conversation import Conversation
from tests.servers.grafana import DASHBOARDS, PROVISIONING, Grafana, provisioned
from tests.servers.prometheus import Job, Prometheus, Target

RULES = DASHBOARDS / "rules"
ADMIN_TOKEN = "WHATCHAT_ADMIN_TOKEN"
READ_TOKEN = "WHATCHAT_ADMIN_READ_TOKEN"
JWT_SECRET = "WHATCHAT_JWT_SECRET"
PLACE = {"cluster": "local", "namespace": "whatchat"}


def main() -> int:
    """Run everything until SIGINT, SIGTERM or the end of its time; 1 if it does not start."""
    given = _arguments()
    return run_by_hand("observe", given.dir, lambda folder, told: _run(folder, given, told))


def jobs_of(cluster: Cluster, load_port: int) -> list[Job]:
    """What Prometheus is to scrape, labelled as it would be in Kubernetes.

    A load test is there when somebody runs one; alerts do not miss a job of that name.
    """
    pods = [
        Target(f"127.0.0.1:{pod.port}", {**PLACE, "pod": f"pod-{number}"})
        for number, pod in enumerate(cluster.pods, 1)
    ]
    worker = Target(f"127.0.0.1:{cluster.worker.port}", {**PLACE, "pod": "worker-1"})
    ingress = Target(cluster.proxy.metrics_address, {**PLACE, "pod": "haproxy-1"})
    return [
        Job("whatchat", pods),
        Job("whatchat-worker", [worker]),
        Job("haproxy", [ingress]),
        Job("load", [Target(f"127.0.0.1:{load_port}", {**PLACE, "pod": "load-1"})]),
    ]


def _run(folder: Path, given: argparse.Namespace, told: Event) -> None:
    program = grafana.found()
    require_free(given.port, "HAProxy")
    require_free(given.prom_port, "Prometheus")
    if program:
        require_free(given.grafana_port, "Grafana")
    env = _tokens() | by_hand()
    tell(f"Starting {given.pods} pods and all they need, and Prometheus; logs are in {folder}")
    with ExitStack() as ends:
        cluster = _cluster(folder, env, given, told, ends)
        prometheus = _prometheus(folder, cluster, given)
        _up("Prometheus", prometheus.start, prometheus.stop, ends)
        sources = provisioned(
            prometheus=prometheus.url,
            debug=cluster.url,
            read_token=env[READ_TOKEN],
            traces=given.traces_url,
        )
        pages = (
            Grafana(program, folder / "grafana", sources, given.grafana_port) if program else None
        )
        if pages:
            _up("Grafana", pages.start, pages.stop, ends)
        if given.people:
            conversation = Conversation(cluster.url, given.people)
            _up("people", conversation.start, conversation.stop, ends)
        tell_of(cluster)
        tell_load(cluster, env)
        tell(f"Admin: export WHATCHAT_ADMIN_URL={cluster.urls[0]} {ADMIN_TOKEN}={env[ADMIN_TOKEN]}")
        tell_where(prometheus.url, pages.url if pages else None, sources)
        told.wait(given.seconds)
        tell("Stopping")


def _cluster(
    folder: Path, env: Mapping[str, str], given: argparse.Namespace, told: Event, ends: ExitStack
) -> Cluster:
    cluster = Cluster(folder, pods=given.pods, port=given.port, env=env)
    cluster.start(told.is_set)
    ends.callback(cluster.close)
    return cluster


def _tokens() -> dict[str, str]:
    return {name: secrets.token_urlsafe(32) for name in (ADMIN_TOKEN, READ_TOKEN, JWT_SECRET)}


def _prometheus(folder: Path, cluster: Cluster, given: argparse.Namespace) -> Prometheus:
    return Prometheus(
        folder / "prometheus",
        jobs_of(cluster, given.load_port),
        rules=sorted(RULES.glob("*.yaml")),
        interval_ms=given.interval_ms,
        port=given.prom_port,
    )


def _up(name: str, start: Callable[[], None], end: Callable[[], None], ends: ExitStack) -> None:
    ends.callback(end)
    try:
        start()
    except Exception as error:
        raise CannotStart(f"{name}: {in_a_line(error)}") from error


def tell_load(cluster: Cluster, env: Mapping[str, str]) -> None:
    """Say how a load test comes to it, which limits would keep out."""
    if env["WHATCHAT_RATE_LIMITS"] != "off":
        tell("For load tests start this with WHATCHAT_RATE_LIMITS=off")
    store = cluster.mongo.url("whatchat")
    tell(
        f"Load test: {JWT_SECRET}={env[JWT_SECRET]} WHATCHAT_STORE_URL='{store}' "
        f"make load SCENARIO=pairs USERS=100 HOST={cluster.url}"
    )


def tell_where(prometheus: str, pages: str | None, sources: Mapping[str, str]) -> None:
    """Say where everything is, or how a Grafana elsewhere on this machine finds it."""
    debug, token = sources["WHATCHAT_DEBUG_URL"], sources[READ_TOKEN]
    tell(f"Prometheus is at {prometheus}, its alerts at {prometheus}/alerts")
    tell(f"Live debug: curl -H 'Authorization: Bearer {token}' {debug}/debug/pods")
    if pages:
        tell(f"Grafana is at {pages}, which shows the dashboards to anybody on this machine")
        return
    tell(
        "Grafana is not installed here. One on this machine shows the dashboards when it has the\n"
        f"plugin {grafana.PLUGIN} and is started with:"
    )
    for name, value in {**sources, "GF_PATHS_PROVISIONING": str(PROVISIONING)}.items():
        tell(f"  export {name}={value}")


def _arguments() -> argparse.Namespace:
    parser = arguments(
        "tests.servers.observe",
        "Run the local cluster with people who talk, Prometheus, and Grafana where it is "
        "installed. WHATCHAT_* reach pods and worker. A port of 0 is a free one.",
    )
    parser.add_argument("--port", type=int, default=8000, help="port of the proxy")
    parser.add_argument("--prom-port", type=int, default=9090, help="port of Prometheus")
    parser.add_argument("--grafana-port", type=int, default=3000, help="port of Grafana")
    parser.add_argument(
        "--load-port", type=int, default=PORT, help="where `make load` tells its figures"
    )
    parser.add_argument("--pods", type=int, default=3, help="how many")
    parser.add_argument("--people", type=int, default=24, help="how many talk; 0: nobody does")
    parser.add_argument("--interval-ms", type=int, default=5_000, help="between two scrapes")
    parser.add_argument(
        "--traces-url",
        default="http://localhost:16686/trace/",
        help="where Grafana finds a trace, its id put behind; see also WHATCHAT_OTLP_ENDPOINT",
    )
    parser.add_argument("--seconds", type=float, help="end after so long; else when told to")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
