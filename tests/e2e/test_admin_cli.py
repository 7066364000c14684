"""``whatchat admin``, as an operator meets it, over a node."""

import asyncio
import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.e2e.conftest import NodeFactory
from tests.e2e.node_process import NodeProcess
from tests.e2e.raw import PASSWORD, Account, Socket, register, rest
from tests.unit.entrypoints.test_command_line import environment, whatchat
from whatchat.__main__ import main
from whatchat.entrypoints import admin_calls
from whatchat.entrypoints.admin_calls import AdminApi
from whatchat.entrypoints.admin_cli import NAMES, ROWS
from whatchat.features.admin.contract import ListAccounts

TOKEN, READER = "the operator's tökèn", "of somebody who looks on"


class Ended(NamedTuple):
    """A command that has ended."""

    returncode: int
    stdout: str
    stderr: str


Admin = Callable[..., Ended]


TOKENS = {"WHATCHAT_ADMIN_TOKEN": TOKEN, "WHATCHAT_ADMIN_READ_TOKEN": READER}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node that the module's tests share, and that one of them drains."""
    node = NodeProcess(tmp_path_factory.mktemp("node"), TOKENS)
    node.start()
    yield node
    node.close()
    assert node.tracebacks() == []


@pytest.fixture
def admin(
    node: NodeProcess, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Admin:
    """Runs the command, in this process, where it finds the node and has its token."""

    def run(*arguments: str, **settings: str) -> Ended:
        known = {"admin_url": node.url, "admin_token": TOKEN}
        with monkeypatch.context() as patched:
            patched.setattr(sys, "argv", ["whatchat", "admin", *arguments])
            patched.setattr(os, "environ", environment(**{**known, **settings}))
            with pytest.raises(SystemExit) as ended:
                main()
        assert isinstance(ended.value.code, int)
        return Ended(ended.value.code, *capsys.readouterr())

    return run


@pytest.fixture
def ask(admin: Admin) -> Callable[..., list[Any]]:
    """What the command prints, line by line; it may not complain."""

    def run(*arguments: str, **settings: str) -> list[Any]:
        ended = admin(*arguments, **settings)
        assert (ended.returncode, ended.stderr) == (0, "")
        return [json.loads(line) for line in ended.stdout.splitlines()]

    return run


Ask = Callable[..., list[Any]]


async def is_refused(node: NodeProcess, account: Account) -> bool:
    body = {"username": account.username, "password": PASSWORD}
    status, _ = await rest(node, "POST", "/auth/login", body)
    return status == 401


def complaint(ended: Ended, status: int = 1) -> str:
    """The one line that a command complains with."""
    assert (ended.returncode, ended.stdout) == (status, "")
    assert ended.stderr.startswith("whatchat: ")
    assert ended.stderr.count("\n") == 1
    assert TOKEN not in ended.stderr
    return ended.stderr.removeprefix("whatchat: ").removesuffix("\n")


async def test_a_person_is_found_banned_and_let_in_again(node: NodeProcess, ask: Ask) -> None:
    ada, bob = [await register(node, name) for name in ("ada", "bob")]
    assert {one["id"] for one in ask("users")} >= {ada.id, bob.id}
    assert [one["username"] for one in ask("users", "--query", ada.username)] == [ada.username]
    assert ask("ban", ada.id, "--reason", "söme spam") == []
    assert await is_refused(node, ada)
    assert [one["id"] for one in ask("users", "--banned")] == [ada.id]
    assert ada.id not in [one["id"] for one in ask("users", "--no-banned")]
    (detail,) = ask("user", ada.id)
    assert (detail["user"]["id"], detail["banReason"]) == (ada.id, "söme spam")
    assert ask("unban", ada.id) == []
    assert not await is_refused(node, ada)
    assert ask("sign-out", bob.id) == [{"ended": 1}]


async def test_reports_are_resolved(node: NodeProcess, ask: Ask) -> None:
    ada, bob = [await register(node, name) for name in ("ada", "bob")]
    body = {"userId": bob.id, "reason": "spam"}
    assert (await rest(node, "POST", "/reports", body, token=ada.token))[0] < 300
    (report,) = ask("reports", "--state", "open")
    assert (report["reporterId"], report["userId"]) == (ada.id, bob.id)
    (resolved,) = ask("resolve", report["id"], "banned")
    assert (resolved["state"], resolved["resolution"]) == ("resolved", "banned")
    assert ask("reports", "--state", "open") == []


async def test_a_pod_is_looked_at_and_drained(node: NodeProcess, ask: Ask) -> None:
    one = await Socket.connect(node, ada := await register(node, "ada"))
    (shown,) = ask("sockets", admin_token="", admin_read_token=READER)
    assert (shown["userId"], shown["transport"]) == (ada.id, "websocket")
    assert ask("sockets", "--user-id", "nobody") == []
    assert ask("drain") == []
    await one.close()
    assert await asyncio.to_thread(node.ended) == 0
    node.start()


def test_lists_are_read_page_by_page_to_their_end(
    node: NodeProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fill() -> list[str]:
        return sorted([(await register(node, "page")).username for _ in range(5)])

    names = asyncio.run(fill())
    api, (row, *_), listed = AdminApi(node.url, TOKEN), ROWS, ListAccounts(query="page.")
    for page in (1, 2, 5):
        monkeypatch.setattr(admin_calls, "PAGE", page)
        assert [one["username"] for one in api.ask_for_all(row, listed)] == names


def test_every_row_has_a_command() -> None:
    assert [row.command for row in ROWS] == list(NAMES)
    assert len({*NAMES.values()}) == len(NAMES)


@pytest.mark.parametrize("user_id", ["-dashed", "--twice", "nobody"])
def test_what_is_refused_is_one_line(admin: Admin, user_id: str) -> None:
    assert complaint(admin("user", user_id)) == "not_found: no such user"


def test_what_cannot_be_right_is_not_asked(admin: Admin) -> None:
    nowhere = {"admin_url": "http://127.0.0.1:9"}
    assert complaint(admin("user", "../users", **nowhere)).startswith("`userId` has a length")
    assert complaint(admin("ban", "a", "--reason", "\x1b[2J", **nowhere)).startswith("`reason` ")
    assert admin("resolve", "a", "burnt", **nowhere).returncode == 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"admin_token": "another"}, "unauthenticated: "),
        ({"admin_token": "", "admin_read_token": READER}, "forbidden: "),
        ({"admin_token": "two\nlines"}, "the URL or the token has characters"),
        ({"admin_url": "http://127.0.0.1:99999"}, "the URL or the token has characters"),
    ],
)
def test_nobody_else_is_let_in(admin: Admin, settings: dict[str, str], words: str) -> None:
    assert complaint(admin("drain", **settings)).startswith(words)


def test_a_token_may_be_a_file_and_is_never_an_argument(
    node: NodeProcess, admin: Admin, tmp_path: Path
) -> None:
    secret = tmp_path / "token"
    secret.write_text(f"{TOKEN}\n")
    settings = {"admin_url": node.url, "admin_token_file": str(secret)}
    ended = whatchat("admin", "pod", cwd=tmp_path, **settings)
    assert (ended.returncode, json.loads(ended.stdout)["ready"]) == (0, True)
    missing = complaint(admin("pod", admin_token=""), 2)
    assert missing == "WHATCHAT_ADMIN_TOKEN: set this or WHATCHAT_ADMIN_TOKEN_FILE"
    assert admin("pod", "--token", TOKEN).returncode == 2


def test_where_there_is_no_admin_api(
    admin: Admin, node: NodeProcess, node_factory: NodeFactory
) -> None:
    bare = node_factory()
    line = complaint(admin("pod", "--url", bare.url))
    assert line == f"there is no admin API at {bare.url}"
    line = complaint(admin("pod", "--url", f"{node.url}/elsewhere/"))
    assert line == f"there is no admin API at {node.url}/elsewhere"
    with closing(socket.create_server(("127.0.0.1", 0))) as full:
        port = full.getsockname()[1]
    nowhere = f"http://127.0.0.1:{port}"
    assert complaint(admin("pod", "--url", nowhere)) == (
        f"no answer from {nowhere}: Connection refused"
    )
    assert complaint(admin("pod", "--url", "ftp://x"), 2).startswith("WHATCHAT_ADMIN_URL: ")
