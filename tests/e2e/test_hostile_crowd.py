"""Five hundred hostile clients beside five hundred good ones, who must not notice."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final

import pytest

from tests.e2e.hostile.crowd import besiege
from tests.e2e.hostile.kind import CROWDED, CROWDED_SECONDS
from tests.e2e.hostile.neighbour import arrive, neighbours
from tests.e2e.hostile.scene import FILLING, fill, pairs, targets
from tests.e2e.node_process import NodeProcess
from whatchat.entrypoints.server import raise_descriptor_limit

GOOD: Final = 500
HOSTILE: Final = 500
PAIRS: Final = 20
SECONDS: Final = 20.0
EVERY_SECONDS: Final = 2.0
GOOD_SECONDS: Final = 5.0


@pytest.fixture
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    raise_descriptor_limit()
    node = NodeProcess(tmp_path_factory.mktemp("node"), CROWDED)
    try:
        node.start()
        yield node
    finally:
        node.close()
    assert node.tracebacks() == []


@pytest.mark.alone
async def test_the_good_half_is_served_and_the_hostile_half_is_not(node: NodeProcess) -> None:
    good, hostile = await pairs(node, PAIRS), await pairs(node, PAIRS)
    await fill(node, hostile[0], FILLING)
    them = neighbours(node, good, GOOD, every=EVERY_SECONDS)
    siege = (targets(node, hostile), HOSTILE, SECONDS, CROWDED_SECONDS)
    # A process of its own, so that the crowd's work does not delay the good half's reading.
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        async with asyncio.TaskGroup() as tasks:
            lives = await arrive(tasks, them)
            loop = asyncio.get_running_loop()
            outcome = await loop.run_in_executor(process, besiege, *siege)
            for life in lives:
                life.cancel()

    assert [one.dropped for one in them if one.dropped] == []
    assert [refusal for one in them for refusal in one.refusals] == []
    assert min(len(one.latencies) for one in them) > SECONDS / EVERY_SECONDS / 3
    assert max(max(*one.latencies, one.waiting) for one in them) < GOOD_SECONDS
    assert outcome.wrong == {}
    assert outcome.attacks > HOSTILE
