"""A pod that seals its own audit log, on SQLite: killed, and looked at while it works."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import msgspec
import pytest

from tests.e2e.node_process import NodeProcess
from tests.e2e.raw import PASSWORD, register, rest
from tests.integration.audit.in_process import whatchat
from tests.integration.audit.recording import EVERYTHING, all_sealed
from tests.unit.entrypoints import test_command_line as processes
from whatchat.adapters.embedded.store import SqliteStore
from whatchat.domain.audit import Record
from whatchat.domain.ports.store import Store

SECRET = "a secret of the tests that is long enough"
PATIENCE_SECONDS = 10.0

Ended = subprocess.CompletedProcess[str]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[NodeProcess]:
    node = NodeProcess(tmp_path, {"WHATCHAT_JWT_SECRET": SECRET})
    node.start()
    yield node
    node.close()
    assert node.tracebacks() == []


@asynccontextmanager
async def beside(node: NodeProcess) -> AsyncIterator[Store]:
    """The node's store, as an operator reads it."""
    store = SqliteStore(f"{node.data_dir}/whatchat.db", reads_only=True)
    await store.open()
    yield store
    await store.close()


async def records(store: Store) -> list[Record]:
    chain = await store.audit.read(after=0, limit=EVERYTHING)
    assert [one.seq for one in chain] == list(range(1, len(chain) + 1))
    return [msgspec.json.decode(one.body, type=Record) for one in chain]


async def audit(node: NodeProcess, command: str, run: Callable[..., Ended] = whatchat) -> Ended:
    """What ``whatchat audit`` says of the node's log."""
    settings = {"store_url": f"sqlite:///{node.data_dir}/whatchat.db", "jwt_secret": SECRET}
    return await asyncio.to_thread(run, "audit", command, cwd=node.data_dir, **settings)


@pytest.mark.parametrize(
    "kills", [1, pytest.param(3, marks=[pytest.mark.long, pytest.mark.timeout(300)])]
)
async def test_what_was_answered_before_a_kill_is_in_the_log_once(
    node: NodeProcess, kills: int
) -> None:
    ada, eve = await register(node, "ada"), await register(node, "eve")

    async def sign_in(password: str) -> int:
        login = {"username": ada.username, "password": password}
        return (await rest(node, "POST", "/auth/login", login))[0]

    async def block() -> int:
        path = f"/users/{eve.id}/block"
        return (await rest(node, "PUT", path, token=ada.token))[0]

    acts: list[tuple[Callable[[], Awaitable[int]], int]] = [
        (partial(sign_in, PASSWORD), 200),
        (partial(sign_in, "wrong"), 401),
        (block, 204),
    ]
    for some in [acts] if kills == 1 else [[one] for one in acts]:
        answers = await asyncio.gather(*(act() for act, _ in some))
        node.kill()
        assert answers == [status for _, status in some]
        await asyncio.to_thread(node.start)
    async with beside(node) as store:
        await all_sealed(store, seconds=PATIENCE_SECONDS)
        found = await records(store)
    recorded = [(one.act.kind, one.act.outcome, one.act.user_id) for one in found]
    assert sorted(recorded) == [
        *sorted(("account.registered", "ok", one.id) for one in (ada, eve)),
        ("sign_in", "ok", ada.id),
        ("sign_in", "unauthenticated", ada.id),
        ("user.blocked", "ok", eve.id),
    ]
    verified = await audit(node, "verify")
    assert (verified.returncode, verified.stderr) == (0, "")
    assert verified.stdout.startswith("good: 5 records")


async def test_it_is_verified_and_exported_beside_a_pod_that_writes(node: NodeProcess) -> None:
    run = processes.whatchat
    people = [await register(node, f"person{number}") for number in range(4)]

    async def block_and_unblock() -> None:
        while True:
            for method in ("PUT", "DELETE"):
                status, _ = await rest(
                    node, method, f"/users/{people[1].id}/block", token=people[0].token
                )
                assert status == 204

    writing = asyncio.create_task(block_and_unblock())
    verified, exported = await asyncio.gather(
        audit(node, "verify", run), audit(node, "export", run)
    )
    assert not writing.done()
    writing.cancel()
    assert (verified.returncode, verified.stderr) == (0, "")
    assert verified.stdout.startswith("good: ")
    assert (exported.returncode, exported.stderr) == (0, "")
    seqs = [msgspec.json.decode(line)["seq"] for line in exported.stdout.splitlines()]
    assert len(seqs) > len(people)
    assert seqs == list(range(1, len(seqs) + 1))
