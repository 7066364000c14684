"""What many callers ask for at once, in few commands."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextvars import Context
from typing import Final, Generic, NamedTuple, TypeVar

import pymongo
import structlog
from pymongo.errors import PyMongoError

from whatchat.adapters.mongo.deadlines import DEADLINE_SECONDS, kind_of
from whatchat.domain.errors import Unavailable

log = structlog.get_logger()

MAX_WAITING: Final = 10_000
MAX_COMMANDS: Final = 2

Item = TypeVar("Item")
Key = TypeVar("Key")
Value = TypeVar("Value")
Result = TypeVar("Result")


class _Waiting(NamedTuple, Generic[Item, Result]):
    item: Item
    future: "asyncio.Future[Result]"


def answers(
    questions: Sequence[Collection[Key]], found: Mapping[Key, Value]
) -> list[Mapping[Key, Value] | Exception]:
    """For each question, what was found of the keys that it asks for."""
    return [{key: found[key] for key in question if key in found} for question in questions]


class Gathering(Generic[Item, Result]):
    """Has ``command`` carry out what was asked for, items of ``most`` weight at a time.

    An item weighs one, unless ``weigh`` says otherwise, and goes alone if it weighs more.
    Nothing waits while fewer than ``MAX_COMMANDS`` are under way; what queues up behind them
    shares the next, which so begins after each of its callers asked. ``command`` gives each
    item's result in order, or an error in its place; what it raises is everybody's, and
    logged once.
    """

    def __init__(
        self,
        command: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]],
        *,
        name: str,
        most: int,
        weigh: Callable[[Item], int] = lambda _: 1,
    ) -> None:
        self._command = command
        self._name = name
        self._most = most
        self._weigh = weigh
        self._waiting: deque[_Waiting[Item, Result]] = deque()
        self._commands: set[asyncio.Task[None]] = set()

    async def ask(self, item: Item) -> Result:
        """The item's result. Raises what the command does, ``TimeoutError`` if it is late."""
        if len(self._waiting) >= MAX_WAITING:
            raise Unavailable
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(item, future))
        self._send()
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await future

    async def close(self) -> None:
        """Wait for what is under way."""
        while self._commands:
            await asyncio.wait(self._commands)

    def _send(self) -> None:
        while self._waiting and len(self._commands) < MAX_COMMANDS:
            group = self._next_group()
            if not group:
                return
            # In a context of its own: the deadline of whoever came first is not all the others'.
            command = asyncio.create_task(self._run(group), name=self._name, context=Context())
            self._commands.add(command)
            command.add_done_callback(self._done)

    def _next_group(self) -> list[_Waiting[Item, Result]]:
        """What has waited longest, without those whose callers gave up."""
        group: list[_Waiting[Item, Result]] = []
        weight = 0
        while self._waiting:
            one = self._waiting[0]
            if not one.future.done():
                weight += self._weigh(one.item)
                if group and weight > self._most:
                    break
                group.append(one)
            self._waiting.popleft()
        return group

    def _done(self, command: "asyncio.Task[None]") -> None:
        self._commands.discard(command)
        self._send()

    async def _run(self, group: Sequence[_Waiting[Item, Result]]) -> None:
        results: Sequence[Result | Exception]
        try:
            with pymongo.timeout(DEADLINE_SECONDS):
                results = await self._command([one.item for one in group])
        except (PyMongoError, TimeoutError) as error:
            log.warning("database call failed", call=self._name, error=kind_of(error))
            results = [Unavailable()] * len(group)
        except Exception as error:  # noqa: BLE001 - whoever asked is told
            results = [error] * len(group)
        if len(results) != len(group):
            results = [ValueError(f"{self._name}: a result for each")] * len(group)
        for one, result in zip(group, results, strict=True):
            if one.future.done():
                continue
            if isinstance(result, Exception):
                one.future.set_exception(result)
            else:
                one.future.set_result(result)
