"""People of every kind, a few of each, at a real node; all runs go on at the same time."""

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from loadtests.swarm.cast import Cast, Layout
from loadtests.swarm.run.summary import Summary, read
from loadtests.swarm.seeding import seed
from tests.e2e.node_process import NodeProcess
from tests.integration.load.lying import LyingRelay, SecretRelay
from tests.servers.certificates import make_certificates

ROOT = Path(__file__).parents[3]
PAIRS, POLLING, STORM = (f"loadtests/scenarios/{name}.py" for name in ("pairs", "polling", "storm"))
EXPIRING = str(Path(__file__).with_name("expiring.py"))
SECRET = secrets.token_hex(32)
SIZE = ("--headless", "--only-summary", "-r", "100", "--warm", "1", "--hold", "3", "--settle", "8")
SECONDS = 60
LIVELY = {"typing:start", "typing:stop", "message:read", "presence:watch", "session:refresh"}


class Ended(NamedTuple):
    """A run that is over."""

    status: int
    said: str
    summary: Summary

    @property
    def failing(self) -> set[str]:
        return {gate.name for gate in self.summary.gates if not gate.holds}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    node = NodeProcess(tmp_path_factory.mktemp("node"), {"WHATCHAT_JWT_SECRET": SECRET})
    node.start()
    yield node
    node.close()


@pytest.fixture
async def network(node: NodeProcess) -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def ran(folder: Path, host: str, scenario: str, users: int, *options: str) -> Ended:
    """A whole run, of people who are told by their number from those of other runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "locust", "-f", scenario, *SIZE),
        *("-H", host, "-u", str(users), "--out", str(folder), *options),
        cwd=ROOT,
        env=os.environ
        | {"WHATCHAT_JWT_SECRET": SECRET, "SSL_CERT_FILE": str(folder.parent / "ca.crt")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(SECONDS):
        said, _ = await process.communicate()
    assert process.returncode in (0, 1), said.decode()
    return Ended(process.returncode, said.decode(), read(folder))


async def seeded(node: NodeProcess, layout: Layout, *sizes: int) -> None:
    store = f"sqlite:///{node.data_dir}/whatchat.db"
    for people in sizes:
        await seed(store, Cast(people, shards=1, layout=layout), "", lambda _: None)


async def test_everybody_hears_everything_and_what_is_lost_or_doubled_is_found(
    node: NodeProcess, network: AsyncExitStack, tmp_path: Path
) -> None:
    files = make_certificates(tmp_path)
    await seeded(node, Layout.PAIRS, 20, 22, 24)
    await seeded(node, Layout.ZIPF, 30)
    lying = await network.enter_async_context(LyingRelay(("127.0.0.1", node.port)))
    secret = await network.enter_async_context(SecretRelay(("127.0.0.1", node.port), files))
    rate = ("--message-rate", "20")
    polling, storm, steady, misled = await asyncio.gather(
        ran(tmp_path / "polling", secret.url, POLLING, 20, *rate),
        ran(tmp_path / "storm", secret.url, STORM, 22, *rate),
        ran(tmp_path / "steady", node.url, EXPIRING, 30, *rate),
        ran(tmp_path / "misled", lying.url, PAIRS, 24, *rate),
    )
    for run, people in ((polling, 20), (storm, 22), (steady, 30)):
        all_is_well(run, people)
    assert storm.summary.reconnects.count == 22
    assert storm.summary.reconnects.failed == 0
    assert steady.summary.tally.delivered > steady.summary.tally.accepted
    assert set(steady.said.split()) > LIVELY, steady.said
    assert lying.doubled
    assert lying.withheld
    tally = misled.summary.tally
    assert (misled.status, tally.lost, tally.duplicated) == (1, 1, 1), misled.said
    assert {"lost", "duplicated"} <= misled.failing


def all_is_well(run: Ended, people: int) -> None:
    """Whatever a run on a busy machine may be late with, nothing is lost."""
    tally = run.summary.tally
    assert (tally.lost, tally.duplicated, tally.bad_requests, tally.unresolved) == (0, 0, 0, 0)
    assert (tally.judged, tally.absent, tally.unsent, tally.refused) == (people, 0, 0, 0)
    assert tally.accepted > 0, run.said
    assert run.summary.deliveries.count > 0
    assert run.summary.connects.count == people
    assert not run.summary.failures, run.said
    late = {"delivery_mean", "delivery_p99", "warming_p99", "connect_p99"}
    assert run.failing <= late, run.said
