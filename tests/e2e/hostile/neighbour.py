"""A client as clients should be, who wants to be served whatever others do."""

import asyncio
import itertools
import json
import random
import time
import uuid
from collections.abc import Sequence
from typing import Any, Final

from tests.e2e.hostile.line import Line, Over, Target, text
from tests.e2e.hostile.scene import Pair, targets
from tests.e2e.node_process import NodeProcess

ARRIVING_AT_ONCE: Final = 25
ARRIVAL_SECONDS: Final = 20.0


class Neighbour:
    """Says something in a room once in a while and takes note of how long the answer took.

    ``latencies`` are in seconds; ``dropped`` tells how the connection ended, if it did.
    """

    def __init__(self, target: Target, room: str, *, every: float) -> None:
        self.latencies: list[float] = []
        self.refusals: list[Any] = []
        self.dropped: str | None = None
        self.heard = 0
        self.joined = asyncio.Event()
        self._target = target
        self._room = room
        self._every = every
        self._asked_at: dict[int, float] = {}

    @property
    def waiting(self) -> float:
        """How long the oldest question has waited for its answer, in seconds."""
        return time.perf_counter() - min(self._asked_at.values(), default=time.perf_counter())

    async def live(self) -> None:
        """Be there until cancelled, or dropped."""
        try:
            async with Line.open(self._target) as line:
                await line.join(self._target)
                self.joined.set()
                async with asyncio.TaskGroup() as tasks:
                    asking = tasks.create_task(self._ask(line))
                    await self._read(line)
                    asking.cancel()
        except Over as over:
            self.dropped = str(over)
        finally:
            self.joined.set()

    async def _ask(self, line: Line) -> None:
        number = 0
        while True:
            await asyncio.sleep(self._every * random.uniform(0.5, 1.5))
            number += 1
            command = {"roomId": self._room, "clientId": uuid.uuid4().hex, "content": "hello"}
            self._asked_at[number] = time.perf_counter()
            await line.send(text(f'42{number}["message:send",{json.dumps(command)}]'))

    async def _read(self, line: Line) -> None:
        try:
            while True:
                self._take(await line.text())
        except Over as over:
            self.dropped = str(over)

    def _take(self, packet: str) -> None:
        if not packet.startswith("43"):
            self.heard += 1
            return
        digits, _, answer = packet[2:].partition("[")
        self.latencies.append(time.perf_counter() - self._asked_at.pop(int(digits)))
        if not answer.startswith('{"ok":true'):
            self.refusals.append(answer)


def neighbours(
    node: NodeProcess, people: Sequence[Pair], count: int, *, every: float
) -> list[Neighbour]:
    """So many clients of these people, each talking in the room of its pair."""
    homes = [(target, pair.room) for pair in people for target in targets(node, [pair])]
    places = itertools.islice(itertools.cycle(homes), count)
    return [Neighbour(target, room, every=every) for target, room in places]


async def arrive(tasks: asyncio.TaskGroup, them: Sequence[Neighbour]) -> list[asyncio.Task[None]]:
    """Let them join, some at a time; their lives, once all are there.

    Raises ``TimeoutError`` if that takes more than :data:`ARRIVAL_SECONDS`.
    """
    lives: list[asyncio.Task[None]] = []
    async with asyncio.timeout(ARRIVAL_SECONDS):
        for start in range(0, len(them), ARRIVING_AT_ONCE):
            some = them[start : start + ARRIVING_AT_ONCE]
            lives += [tasks.create_task(one.live()) for one in some]
            await asyncio.gather(*[one.joined.wait() for one in some])
    return lives
