"""What is there to see a cluster by: Prometheus on all of its parts, and pages where Grafana is."""

import asyncio
import json
import os
import re
import secrets
import shlex
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import pytest
import yaml

from loadtests.swarm.cast import Cast, Layout
from loadtests.swarm.tokens import Tokens
from tests.e2e.command import Command
from tests.e2e.node_process import free_port
from tests.servers import grafana, observe
from tests.servers.grafana import PROVISIONING, provisioned
from tests.servers.locust_process import LocustProcess
from tests.servers.prometheus_queries import Queries
from tests.waiting import until
from whatchat.client import WhatchatClient
from whatchat.domain.ids import RoomId

PASSWORD = "correct horse battery staple"
SCRAPED_SECONDS = 20
PODS = 2
PARTS = {"pod-1", "pod-2", "worker-1", "haproxy-1"}
SLOW_SCRAPERS = 5
ASKED_AT_ONCE = 20
"""More answers than what lies between a pod and who takes none of them can hold."""

KNOWN_FIGURES = Path(__file__).parents[1] / "integration" / "load" / "known_figures.py"
LEAVERS = 100
LONGEST_ACK_SECONDS = 1.0
SCRAPE = b"GET /metrics HTTP/1.1\r\nHost: pod\r\n\r\n"
VARIABLE = re.compile(r"\$(?:\$|\{?([A-Z_]+)\}?)")

STAND_IN = f"""#!{sys.executable}
import http.server, json, os, sys

class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/api/health" else 404)
        self.end_headers()

told = {{"arguments": sys.argv[1:], "env": dict(os.environ)}}
with open(os.environ["GF_PATHS_DATA"] + ".json", "w") as record:
    json.dump(told, record)
address = os.environ["GF_SERVER_HTTP_ADDR"], int(os.environ["GF_SERVER_HTTP_PORT"])
http.server.HTTPServer(address, Healthy).serve_forever()
"""
"""Not Grafana: it notes what it was started with, and says that it is well."""


class Running(NamedTuple):
    """The command, what it has printed, and where it looks for a load test."""

    command: Command
    lines: list[str]
    load_port: int

    def address(self, beginning: str) -> str:
        """What a line that begins so ends with."""
        [line] = [line for line in self.lines if line.startswith(beginning)]
        return line.removeprefix(beginning).split(",")[0]

    @property
    def prometheus(self) -> Queries:
        """The Prometheus that it runs."""
        return Queries(urlsplit(self.address("Prometheus is at ")).port or 0)

    def told_to_grafana(self) -> Any:
        """The arguments and the environment of what was started as Grafana."""
        return json.loads((self.command.folder / "grafana" / "data.json").read_text())


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The command on free ports, with people and something that is taken for Grafana.

    Ctrl-C ends it and all that it has started.
    """
    folder = tmp_path_factory.mktemp("observe")
    program = folder / "bin" / "grafana"
    program.parent.mkdir()
    program.write_text(STAND_IN)
    program.chmod(stat.S_IRWXU)
    load_port = free_port()
    command = Command(
        *("observe", folder / "cluster", "--prom-port", "0", "--grafana-port", "0"),
        *("--pods", str(PODS), "--people", "6", "--interval-ms", "500"),
        *("--load-port", str(load_port)),
        PATH=f"{program.parent}:{os.environ['PATH']}",
    )
    try:
        yield Running(command, command.reads("Grafana is at "), load_port)
        os.killpg(command.process.pid, signal.SIGINT)
        assert command.ended() == (0, "")
    finally:
        command.close()


@pytest.fixture
async def ends() -> AsyncIterator[AsyncExitStack]:
    """What is ended with the test."""
    async with AsyncExitStack() as ends:
        yield ends


async def test_prometheus_scrapes_every_part_and_has_something_to_tell(running: Running) -> None:
    prometheus = running.prometheus
    up = 'up{cluster="local",namespace="whatchat"} == 1'
    said = 'sum(rate(whatchat_commands_total{command="SendMessage",outcome="ok"}[5s])) > 0'

    await until(
        lambda: {one.labels["pod"] for one in prometheus.query(up)} == PARTS,
        seconds=SCRAPED_SECONDS,
    )
    await until(lambda: bool(prometheus.query(said)), seconds=SCRAPED_SECONDS)
    await until(lambda: bool(prometheus.query("haproxy_frontend_current_sessions > 0")))
    assert {one.job for one in prometheus.targets() if one.error} <= {"load"}


async def test_a_load_test_is_seen_once_it_runs_and_not_missed_before(
    running: Running, tmp_path: Path
) -> None:
    load = LocustProcess(
        *(KNOWN_FIGURES, tmp_path / "log", "-u", "2", "-r", "2", "--host", "http://localhost"),
        metrics_port=running.load_port,
    )
    prometheus = running.prometheus
    await until(lambda: bool(prometheus.query('up{job="load"} == 0')), seconds=SCRAPED_SECONDS)
    missed = 'ALERTS_FOR_STATE{alertname="WhatchatTargetDown",job="load"}'
    assert prometheus.query(missed) == []
    with load:
        await until(
            lambda: bool(prometheus.query('whatchat_load_users{namespace="whatchat"} == 2')),
            seconds=SCRAPED_SECONDS,
        )


def test_who_is_told_how_to_test_it_under_load_can_seed_and_come(running: Running) -> None:
    [line] = [line for line in running.lines if line.startswith("Load test: ")]
    words = shlex.split(line.removeprefix("Load test: "))
    env = dict(word.split("=", 1) for word in words if word.startswith("WHATCHAT_"))
    seeding = [sys.executable, "-m", "loadtests.seed", "--scenario=pairs", "--users=2"]
    done = subprocess.run(
        seeding, check=True, env=os.environ | env, capture_output=True, text=True, timeout=30
    )
    assert done.stdout.startswith("2 accounts added")
    cast = Cast(2, shards=1, layout=Layout.PAIRS)
    token = Tokens(env["WHATCHAT_JWT_SECRET"]).token(cast.user_id(0))
    host = dict(word.split("=", 1) for word in words if "=" in word)["HOST"]
    request = urllib.request.Request(
        f"{host}/api/users/me", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert json.loads(answer.read())["username"] == cast.username(0)


async def test_all_rules_are_loaded_and_can_be_evaluated(running: Running) -> None:
    files = sorted(observe.RULES.glob("*.yaml"))
    assert files

    def evaluated() -> bool:
        rules = running.prometheus.rules()
        return bool(rules) and all(rule.health != "unknown" for rule in rules)

    await until(evaluated, seconds=SCRAPED_SECONDS)
    rules = running.prometheus.rules()
    assert [rule for rule in rules if rule.health != "ok"] == []
    names = {rule.name for rule in rules}
    written = "".join(path.read_text() for path in files)
    assert set(re.findall(r"(?:alert|record): *(\S+)", written)) == names


async def test_who_scrapes_slowly_or_hangs_up_keeps_nobody_waiting(
    running: Running, ends: AsyncExitStack
) -> None:
    pod = running.address("Pod 1 is at ")
    client = await ends.enter_async_context(
        await WhatchatClient.register(pod, f"p.{secrets.token_hex(6)}", PASSWORD)
    )
    room = await client.create_room("Tea", [])
    host, port = urlsplit(pod).hostname or "", urlsplit(pod).port or 0
    for _ in range(SLOW_SCRAPERS):
        ends.callback(_scraper(host, port).close)
    hanging_up = asyncio.create_task(asyncio.to_thread(_hang_up, host, port))

    longest = await _longest_ack(client, room.id, hanging_up)

    assert longest < LONGEST_ACK_SECONDS
    since = time.time()
    fresh = f'timestamp(up{{pod="pod-1"}} == 1) > {since}'
    await until(lambda: bool(running.prometheus.query(fresh)))


def _scraper(host: str, port: int) -> socket.socket:
    """Asks, takes a little of the answer, and then no more."""
    scraper = socket.socket()
    scraper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
    scraper.connect((host, port))
    scraper.sendall(SCRAPE * ASKED_AT_ONCE)
    assert scraper.recv(64)
    return scraper


def _hang_up(host: str, port: int) -> None:
    for _ in range(LEAVERS):
        with socket.create_connection((host, port)) as scraper:
            scraper.sendall(SCRAPE)


async def _longest_ack(
    client: WhatchatClient, room_id: RoomId, meanwhile: asyncio.Task[None]
) -> float:
    longest = 0.0
    while not meanwhile.done():
        sent = time.monotonic()
        await client.send(room_id, "still there?")
        longest = max(longest, time.monotonic() - sent)
    await meanwhile
    return longest


async def test_what_is_said_of_live_debug_works_through_the_proxy(running: Running) -> None:
    [line] = [line for line in running.lines if line.startswith("Live debug: ")]
    found = re.fullmatch(r"Live debug: curl -H 'Authorization: (Bearer \S+)' (\S+)", line)
    assert found
    token, url = found.groups()
    async with aiohttp.ClientSession() as http:
        async with http.get(url, headers={"Authorization": token}) as answer:
            assert answer.status == 200
            assert len((await answer.json())["pods"]) == PODS
        async with http.get(url) as answer:
            assert answer.status == 401


def test_grafana_is_started_with_the_product_s_data_sources(running: Running) -> None:
    told = running.told_to_grafana()
    env = told["env"]
    assert told["arguments"][0] == "server"
    assert env["GF_PATHS_PROVISIONING"] == str(PROVISIONING)
    assert env["PROMETHEUS_URL"] == running.address("Prometheus is at ")
    assert env["WHATCHAT_DEBUG_URL"] == running.address("Whatchat is at ")
    shown = running.address("Live debug: curl -H 'Authorization: Bearer ")
    assert shown.startswith(env["WHATCHAT_ADMIN_READ_TOKEN"])


def test_without_grafana_it_is_said_how_one_finds_everything(
    running: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(running.command.folder))
    assert grafana.found() is None
    sources = provisioned(
        prometheus="http://p", debug="http://d", read_token="t", traces="http://j/"
    )
    observe.tell_where("http://p", None, sources)
    said = capsys.readouterr().out
    for name, value in {**sources, "GF_PATHS_PROVISIONING": str(PROVISIONING)}.items():
        assert f"  export {name}={value}\n" in said


def test_what_grafana_reads_takes_what_it_is_given_and_names_what_there_is() -> None:
    given = provisioned(prometheus="http://p", debug="http://d", read_token="t", traces="http://j/")
    read = {path.parent.name: _put_in(path, given) for path in PROVISIONING.glob("*/*.yaml")}
    assert set(read) == {"dashboards", "datasources"}

    metrics, live = read["datasources"]["datasources"]
    [leads] = metrics["jsonData"]["exemplarTraceIdDestinations"]
    [provider] = read["dashboards"]["providers"]
    assert (metrics["type"], metrics["url"]) == ("prometheus", "http://p")
    assert leads["url"] == "http://j/${__value.raw}"
    assert (live["type"], live["url"]) == (grafana.PLUGIN, "http://d")
    assert live["jsonData"]["allowedHosts"] == ["http://d"]
    assert live["secureJsonData"] == {"bearerToken": "t"}

    folder = Path(provider["options"]["path"])
    boards = [json.loads(path.read_text()) for path in folder.rglob("*.json")]
    assert len({board["uid"] for board in boards}) == len(boards) >= 7
    variables = [one for board in boards for one in board["templating"]["list"]]
    sources = {one["query"] for one in variables if one["type"] == "datasource"}
    assert sources == {metrics["type"], live["type"]}


def _put_in(path: Path, given: Mapping[str, str]) -> Any:
    """The file as Grafana reads it: a variable that is not given is an error here."""
    text = VARIABLE.sub(lambda found: given[found[1]] if found[1] else "$", path.read_text())
    return yaml.safe_load(text)
