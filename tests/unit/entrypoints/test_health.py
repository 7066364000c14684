"""The question whether a pod on this machine is alive."""

import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from socket import create_server
from threading import Thread

import pytest
from typer.testing import CliRunner

from tests.e2e.node_process import free_port
from tests.unit.entrypoints.test_command_line import environment
from whatchat.__main__ import app
from whatchat.entrypoints import health
from whatchat.entrypoints.health import ask_health

MODULE = "whatchat.entrypoints.health"


class Answering(BaseHTTPRequestHandler):
    """Answers /livez with 200, and all else with 503."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/livez" else 503)
        self.end_headers()

    def log_request(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_what_answers_is_alive(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask_health(port) is None
    monkeypatch.setenv("WHATCHAT_INTERNAL_PORT", str(port))
    assert ask_health() is None


def test_another_status_is_not(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Answering, "status", 500)
    assert ask_health(port) == f"port {port} answers with status 500"


def test_nobody_there() -> None:
    port = free_port()
    assert ask_health(port) == f"no answer from port {port}: Connection refused"


def test_what_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "SECONDS", 0.1)
    with create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert ask_health(port) == f"no answer from port {port}: timed out"


def run(*command: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", *command],
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_status_0_and_no_line_say_that_it_is_alive(port: int) -> None:
    alive = run(MODULE, internal_port=str(port))
    assert (alive.returncode, alive.stdout, alive.stderr) == (0, "", "")


@pytest.mark.parametrize("command", [(MODULE,), ("whatchat", "health")])
def test_status_1_and_a_line_say_that_it_is_not(command: tuple[str, ...]) -> None:
    dead = run(*command, internal_port=str(closed := free_port()))
    assert (dead.returncode, dead.stdout) == (1, "")
    assert dead.stderr == f"whatchat: no answer from port {closed}: Connection refused\n"


def test_settings_that_are_wrong_are_named(port: int) -> None:
    done = run(MODULE, internal_port="many")
    assert done.returncode == 1
    assert done.stderr.startswith("whatchat: WHATCHAT_INTERNAL_PORT: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_port_may_be_given(port: int) -> None:
    assert CliRunner().invoke(app, ["health", "--port", str(port)]).exit_code == 0
    assert CliRunner().invoke(app, ["health", "--port", str(free_port())]).exit_code == 1


def test_it_loads_next_to_nothing() -> None:
    script = f"import sys, {MODULE}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    ours = {name for name in done.stdout.split() if name.startswith("whatchat")}
    assert ours <= {
        "whatchat",
        "whatchat.domain",
        "whatchat.domain.urls",
        "whatchat.entrypoints",
        MODULE,
        "whatchat.secret_files",
        "whatchat.settings",
    }
