"""Many hostile clients at once, each again and again."""

import asyncio
import contextlib
import itertools
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from tests.e2e.hostile.catalogue import FLOODS, LINGERING, QUICK
from tests.e2e.hostile.kind import Kind
from tests.e2e.hostile.line import OPEN, Ending, Target
from whatchat.entrypoints.server import raise_descriptor_limit

PAUSE_SECONDS: Final = 1.0
FLOODERS: Final = 20
LINGERERS: Final = 0.5


class Outcome(NamedTuple):
    """How many attacks came to an end, and those that ended as the contract does not say.

    ``late``: how many more ended otherwise because it was late: the node's deadline for
    something else came first, or nothing came in time. That may be on a busy machine; how
    each ends on an idle one, ``test_hostile_clients.py`` tests.
    """

    attacks: int
    late: int
    wrong: dict[str, int]


def besiege(targets: Sequence[Target], size: int, seconds: float, patience: float) -> Outcome:
    """Attack for so long, with a loop of its own: to be run in a process of its own.

    Half of the clients linger, a few flood, the others break one rule each. ``patience`` is
    added to each kind's time: the deadlines of a node that is busy are late.
    """
    raise_descriptor_limit()
    crowd = _Crowd(targets, patience)
    asyncio.run(crowd.attack(_members(size), seconds))
    return crowd.outcome()


class _Crowd:
    def __init__(self, targets: Sequence[Target], patience: float) -> None:
        self._right: Counter[str] = Counter()
        self._wrong: Counter[tuple[str, Ending]] = Counter()
        self._late: Counter[tuple[str, Ending]] = Counter()
        self._targets = itertools.cycle(targets)
        self._patience = patience

    async def attack(self, members: Sequence[tuple[str, Kind]], seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as tasks:
                for number, (name, kind) in enumerate(members):
                    tasks.create_task(self._repeat(name, kind, number / len(members)))

    def outcome(self) -> Outcome:
        return Outcome(
            attacks=self._right.total() + self._wrong.total() + self._late.total(),
            late=self._late.total(),
            wrong={f"{name}: {ending}": count for (name, ending), count in self._wrong.items()},
        )

    async def _repeat(self, name: str, kind: Kind, phase: float) -> None:
        await asyncio.sleep(phase * PAUSE_SECONDS)
        while True:
            start = time.perf_counter()
            ending = await self._once(kind)
            is_late = time.perf_counter() - start > kind.seconds
            if ending in kind.endings:
                self._right[name] += 1
            else:
                (self._late if is_late else self._wrong)[name, ending] += 1
            await asyncio.sleep(PAUSE_SECONDS)

    async def _once(self, kind: Kind) -> Ending:
        try:
            async with asyncio.timeout(kind.seconds + self._patience):
                return await kind.run(next(self._targets))
        except TimeoutError:
            return OPEN


def _members(size: int) -> Sequence[tuple[str, Kind]]:
    lingerers = int(size * LINGERERS)
    quick = size - lingerers - FLOODERS
    return [
        *itertools.islice(itertools.cycle(LINGERING.items()), lingerers),
        *itertools.islice(itertools.cycle(FLOODS.items()), FLOODERS),
        *itertools.islice(itertools.cycle(QUICK.items()), quick),
    ]
