"""The command line, as an operator meets it: real processes."""

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

import pytest

from tests.servers.product_process import inherited


def environment(**settings: str) -> dict[str, str]:
    return inherited() | {f"WHATCHAT_{name.upper()}": value for name, value in settings.items()}


def whatchat(*arguments: str, cwd: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "whatchat", *arguments],
        cwd=cwd,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@contextmanager
def serving(cwd: Path, **settings: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "whatchat", "serve", "--port", "0"],
        cwd=cwd,
        env=environment(drain_seconds="0", **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().split()[-1]
    finally:
        process.kill()
        process.communicate()


def get(url: str) -> tuple[int, bytes]:
    with urllib.request.urlopen(url, timeout=5) as response:
        return response.status, response.read()


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"jwt_secret": "short"}, "WHATCHAT_JWT_SECRET: must have at least 32 bytes"),
        ({"rate_limits": "maybe"}, "WHATCHAT_RATE_LIMITS: Input should be 'on' or 'off'"),
        (
            {"store_url": "mongodb://ada:rosebud@127.0.0.1:1/b"},
            "WHATCHAT_STORE_URL: no primary of a replica set within 5 s: 127.0.0.1:1: ",
        ),
        (
            {"store_url": "mongodb://127.0.0.1:1/b?w=1"},
            "WHATCHAT_STORE_URL: the URL must not set w to anything but majority",
        ),
        (
            {"redis_url": "redis://127.0.0.1:1", "store_url": "sqlite://:memory:"},
            "WHATCHAT_REDIS_URL: 127.0.0.1:1 cannot be reached",
        ),
        (
            {"redis_url": "redis://..", "store_url": "sqlite://:memory:"},
            "WHATCHAT_REDIS_URL: ..:6379 cannot be reached: ",
        ),
        (
            {"store_url": "mongodb://127.0.0.1:1/a\\b"},
            "WHATCHAT_STORE_URL: the URL is not usable: database names cannot contain",
        ),
        ({"store_url": "sqlite:////dev/null/x/y.db"}, "WHATCHAT_STORE_URL: "),
        ({"env": "production"}, "WHATCHAT_JWT_SECRET: production needs"),
    ],
)
def test_a_setting_that_does_not_do_is_one_line(
    tmp_path: Path, settings: dict[str, str], line: str
) -> None:
    ended = whatchat("serve", "--port", "0", cwd=tmp_path, **settings)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"whatchat: {line}")
    assert ended.stderr.count("\n") == 1
    assert "rosebud" not in ended.stderr


class WebServer(BaseRequestHandler):
    """Answers anything as a web server would."""

    def handle(self) -> None:
        self.request.recv(1024)
        self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.mark.parametrize("url", ["redis://{}", "redis+cluster://{}", "redis+sentinel://{}/main"])
def test_a_redis_that_is_something_else_is_one_line(tmp_path: Path, url: str) -> None:
    with ThreadingTCPServer(("127.0.0.1", 0), WebServer) as server:
        serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        try:
            here = f"127.0.0.1:{server.server_address[1]}"
            ended = whatchat(
                *("serve", "--port", "0"),
                cwd=tmp_path,
                store_url="sqlite://:memory:",
                redis_url=url.format(here),
            )
        finally:
            server.shutdown()
            serving.join()
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"whatchat: WHATCHAT_REDIS_URL: {here} does not speak as Redis does\n"


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = whatchat("serve", "--port", port, cwd=tmp_path, store_url="sqlite://:memory:")
    assert ended.returncode == 1
    assert ended.stderr == f"whatchat: cannot listen on 127.0.0.1:{port}: Address already in use\n"


def test_a_node_serves_logs_json_and_ends_cleanly(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, url):
        status, body = get(f"{url}/readyz")
        assert (status, json.loads(body)["ready"]) == (200, True)
        assert get(f"{url}/metrics")[0] == 200
        get(f"{url}/openapi.json")
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=15)
        assert process.returncode == 0
    lines = [json.loads(line) for line in errors.splitlines()]
    assert [line["event"] for line in lines] == [
        "serving",
        "request",
        "asked to end",
        "stopped",
    ]
    assert (tmp_path / "data" / "whatchat.db").exists()


def test_a_second_pod_refuses_and_a_killed_one_makes_way(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, _):
        second = whatchat("serve", "--port", "0", cwd=tmp_path)
        assert (second.returncode, second.stdout) == (1, "")
        assert second.stderr.startswith("whatchat: another pod runs on this store")
        process.kill()
        process.wait()
        started = time.monotonic()
        with serving(tmp_path) as (_, url):
            assert get(f"{url}/readyz")[0] == 200
        assert time.monotonic() - started < 8


def test_probes_move_to_the_internal_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with serving(tmp_path, internal_port=str(port)) as (_, url):
        assert get(f"http://127.0.0.1:{port}/readyz")[0] == 200
        assert get(f"http://127.0.0.1:{port}/metrics")[0] == 200
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(f"{url}/metrics")


def test_migrating_is_safe_to_repeat_and_renews_the_epoch_when_asked(tmp_path: Path) -> None:
    for arguments in (["migrate"], ["migrate"], ["migrate", "--renew-epoch"]):
        assert whatchat(*arguments, cwd=tmp_path).returncode == 0
    assert (tmp_path / "data" / "whatchat.db").exists()


NO_STORE = "sqlite:////dev/null/x/y.db"


def test_migrating_waits_for_a_store_and_says_what_is_wrong(tmp_path: Path) -> None:
    began = time.monotonic()
    ended = whatchat("migrate", "--wait", "2", cwd=tmp_path, store_url=NO_STORE)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert time.monotonic() - began > 2
    told, last = ended.stderr.splitlines()
    event = json.loads(told)
    assert event["event"] == "waiting for the store"
    assert "/dev/null/x" in event["reason"]
    assert last == f"whatchat: WHATCHAT_STORE_URL: {event['reason']}"


def test_migrating_does_not_wait_where_a_setting_is_wrong(tmp_path: Path) -> None:
    ended = whatchat("migrate", "--wait", "60", cwd=tmp_path, store_url="mongodb://h/?w=1")
    line = "whatchat: WHATCHAT_STORE_URL: the URL must not set w to anything but majority\n"
    assert (ended.returncode, ended.stderr) == (2, line)


def test_migrating_ends_when_told_to_while_it_waits(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "whatchat", "migrate", "--wait", "60"],
        cwd=tmp_path,
        env=environment(store_url=NO_STORE),
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stderr is not None
        assert b"waiting for the store" in process.stderr.readline()
        process.terminate()
        assert process.wait(10) == 128 + signal.SIGTERM
        assert process.stderr.read() == b""


def test_documents_are_printed_and_checked(tmp_path: Path) -> None:
    printed = whatchat("schema", "asyncapi", cwd=tmp_path)
    assert json.loads(printed.stdout)["asyncapi"] == "3.0.0"
    missing = whatchat("schema", "asyncapi", "--check", cwd=tmp_path)
    assert (missing.returncode, missing.stderr.count("\n")) == (1, 1)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "asyncapi.json").write_text(printed.stdout)
    assert whatchat("schema", "asyncapi", "--check", cwd=tmp_path).returncode == 0
