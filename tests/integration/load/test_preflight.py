"""What would spoil a run is said before anybody comes: real servers, each with one thing wrong."""

import asyncio
import http.server
import os
import resource
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.scenarios import polling
from loadtests.scenarios.pairs import SCENARIO
from loadtests.swarm.cast import Cast
from loadtests.swarm.run.preflight import Unfit, check, of_run
from loadtests.swarm.scenario import Scenario
from loadtests.swarm.seeding import seed
from tests.e2e.node_process import NodeProcess, free_port
from tests.servers.haproxy import HAProxy

ROOT = Path(__file__).parents[3]
SECRET = secrets.token_hex(32)
PEOPLE = 20
DESCRIPTORS = 256


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    folder = tmp_path_factory.mktemp("node")
    node = NodeProcess(folder, {"WHATCHAT_JWT_SECRET": SECRET})
    node.start()
    cast = Cast(PEOPLE, shards=1, layout=SCENARIO.layout)
    asyncio.run(seed(f"sqlite:///{folder}/whatchat.db", cast, "", lambda _: None))
    yield node
    node.close()


@pytest.fixture
def limited(node: NodeProcess) -> Iterator[str]:
    """Another node on the same store, with limits, which the first leaves to it meanwhile."""
    node.close()
    env = {"WHATCHAT_JWT_SECRET": SECRET, "WHATCHAT_RATE_LIMITS": "on"}
    other = NodeProcess(node.data_dir, env)
    other.start()
    yield other.url
    other.close()
    node.start()


def complaint(
    host: str,
    *,
    users: int = PEOPLE,
    workers: int = 1,
    secret: str = SECRET,
    scenario: Scenario = SCENARIO,
    apart: bool = False,
) -> str | None:
    run = of_run(scenario, host=host, secret=secret, users=users, workers=workers, apart=apart)
    try:
        check(run)
    except Unfit as unfit:
        return str(unfit)
    return None


def test_where_all_is_well_nothing_is_said(node: NodeProcess, tmp_path: Path) -> None:
    assert complaint(node.url) is None
    proxy = HAProxy(tmp_path, [f"127.0.0.1:{node.port}"])
    proxy.start()
    try:
        assert complaint(proxy.url) is None
    finally:
        proxy.stop()


@pytest.mark.parametrize("host", ["", "localhost:8000", "ws://localhost", "http://"])
def test_a_host_is_a_url(host: str) -> None:
    assert "must be a URL" in (complaint(host) or "")


def test_a_port_where_nobody_listens() -> None:
    host = f"http://127.0.0.1:{free_port()}"
    assert complaint(host) == f"{host}: cannot be reached: Connection refused"


def test_a_name_that_nobody_knows() -> None:
    assert "the name nowhere.invalid is not known" in (complaint("http://nowhere.invalid") or "")


def test_a_server_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loadtests.swarm.run.trial.SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        host = f"http://127.0.0.1:{mute.getsockname()[1]}"
        assert complaint(host) == f"{host}: something answers there, but it is no Whatchat"


def test_tls_where_there_is_none(node: NodeProcess) -> None:
    assert "TLS failed" in (complaint(node.url.replace("http:", "https:")) or "")


def test_another_kind_of_server() -> None:
    handler = http.server.SimpleHTTPRequestHandler
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host = f"http://127.0.0.1:{server.server_port}"
        assert complaint(host) == f"{host}: something answers there, but it is no Whatchat"
        server.shutdown()


def test_a_proxy_without_pods(node: NodeProcess, tmp_path: Path) -> None:
    proxy = HAProxy(tmp_path, [f"127.0.0.1:{node.port}"])
    proxy.start()
    try:
        node.close()
        assert "no pod takes anybody now" in (complaint(proxy.url) or "")
    finally:
        node.start()
        proxy.stop()


@pytest.mark.parametrize("secret", ["", "short", "another" * 9])
def test_a_secret_that_is_not_the_servers(node: NodeProcess, secret: str) -> None:
    assert "WHATCHAT_JWT_SECRET" in (complaint(node.url, secret=secret) or "")


def test_people_who_are_not_in_the_store(node: NodeProcess) -> None:
    told = complaint(node.url, users=30)
    assert told
    assert "python -m loadtests.seed --users 30 --shards 1 --layout pairs" in told


def test_limits_that_are_on(limited: str) -> None:
    told = complaint(limited)
    assert told
    for name in ("RATE_LIMITS=off", "CONNECTIONS_PER_ADDRESS", "HANDSHAKES_PER_SECOND"):
        assert f"WHATCHAT_{name}" in told


def test_fewer_ports_than_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ports = tmp_path / "ip_local_port_range"
    ports.write_text("32768\t32787\n")
    monkeypatch.setattr("loadtests.swarm.run.preflight.PORTS", ports)
    host = f"http://127.0.0.1:{free_port()}"
    too_few = "there are 20: widen net.ipv4.ip_local_port_range"
    assert too_few in (complaint(host, users=21) or "")
    assert "refused" in (complaint(host, users=20) or "")
    assert too_few in (complaint(host, users=11, scenario=polling.SCENARIO) or "")
    assert "refused" in (complaint(host, users=10, scenario=polling.SCENARIO) or "")
    assert "refused" in (complaint(host, users=21, apart=True) or "")


def few_descriptors(most: int = DESCRIPTORS) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (most // 2, most))


@pytest.mark.parametrize(
    "command",
    [
        ("loadtests", "pairs", "--users", "400", "--workers", "2"),
        ("locust", "-f", "loadtests/scenarios/pairs.py", "--headless", "-u", "400"),
    ],
    ids=["make load", "locust"],
)
def test_fewer_descriptors_than_people(command: tuple[str, ...]) -> None:
    """The soft limit is raised, and then there are still too few."""
    ended = subprocess.run(
        [sys.executable, "-m", *command, "--host", f"http://127.0.0.1:{free_port()}"],
        cwd=ROOT,
        env=os.environ | {"WHATCHAT_JWT_SECRET": SECRET},
        preexec_fn=few_descriptors,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 2
    [line] = [line for line in ended.stderr.splitlines() if line.startswith("not begun: ")]
    assert "descriptors and may have 256: raise `ulimit -Hn` (now 256), or use more" in line


def test_a_worker_of_its_own_looks_at_its_own_machine(node: NodeProcess) -> None:
    port = str(free_port())
    locust = (sys.executable, "-m", "locust", "-f", "loadtests/scenarios/polling.py")
    there = ("--master-host", "127.0.0.1", "--master-port", port)
    env = os.environ | {"WHATCHAT_JWT_SECRET": SECRET}
    master = subprocess.Popen(
        [
            *(*locust, "--master", "--headless", "--users", str(PEOPLE)),
            *("--host", node.url, "--expect-workers", "1", "--master-bind-port", port),
            *("--metrics-port", "0"),
        ],
        cwd=ROOT,
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        worker = subprocess.run(
            [*locust, "--worker", *there],
            cwd=ROOT,
            env=env,
            preexec_fn=lambda: few_descriptors(128),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert master.wait(30) == 1
    finally:
        master.kill()
        master.wait()
    assert worker.returncode == 2
    assert "not begun: a worker process needs 140 descriptors and may have 128" in worker.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["pears"], "no scenario is called 'pears'; there are big_room, connect, "),
        (["pairs", "--gate", "speed=1"], "no gate is called 'speed'"),
        (["rollout", "--host", "http://127.0.0.1:1"], "needs --disturb"),
        (["rollout", "--direct"], "not --direct"),
        (["pairs", "--disturb", "true"], "--disturb is for a cluster elsewhere"),
        (["pairs", "--unchecked", "--host", "http://a", "--store", "a://b"], "WHATCHAT_STORE_URL"),
        (["pairs", "--host", "http://127.0.0.1:1", "--store", "a://b"], "cannot be reached"),
    ],
)
def test_what_cannot_be_asked_for(arguments: list[str], told: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "loadtests", *arguments],
        cwd=ROOT,
        env=os.environ | {"WHATCHAT_JWT_SECRET": SECRET},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("not begun: ")
    assert told in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
