"""Real stores whose appends go wrong on purpose."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from whatchat.domain.errors import Unavailable
from whatchat.domain.log import Entry
from whatchat.domain.message_state import MessageState
from whatchat.domain.ports.message_store import Appended, MessageKey, MessageStore


class GatedMessageStore:
    """A real store behind a gate: shut, an append waits between its rule and its write."""

    def __init__(self, inner: MessageStore) -> None:
        self._inner = inner
        self.waiting = asyncio.Event()
        self._open = asyncio.Event()
        self._open.set()

    def shut(self) -> None:
        self._open.clear()
        self.waiting.clear()

    def open(self) -> None:
        self._open.set()

    async def append(self, entries: Sequence[Entry]) -> Appended:
        self.waiting.set()
        await self._open.wait()
        return await self._inner.append(entries)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class SlowReading(GatedMessageStore):
    """A store whose messages are held back once they are read."""

    async def append(self, entries: Sequence[Entry]) -> Appended:
        return await self._inner.append(entries)

    async def messages(self, keys: Sequence[MessageKey]) -> Mapping[MessageKey, MessageState]:
        found = await self._inner.messages(keys)
        self.waiting.set()
        await self._open.wait()
        return found


class LateMessageStore(GatedMessageStore):
    """A store that writes, and then does not say so."""

    is_late = False

    async def append(self, entries: Sequence[Entry]) -> Appended:
        appended = await super().append(entries)
        if self.is_late:
            raise Unavailable
        return appended


class InterruptedMessageStore(GatedMessageStore):
    """A store in which something happens, once, behind the first entry of a batch."""

    def __init__(self, inner: MessageStore) -> None:
        super().__init__(inner)
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    async def append(self, entries: Sequence[Entry]) -> Appended:
        if self.meanwhile is None or len(entries) == 1:
            return await super().append(entries)
        meanwhile, self.meanwhile = self.meanwhile, None
        first = await super().append(entries[:1])
        await meanwhile()
        rest = await super().append(entries[1:])
        return Appended(count=first.count + rest.count, clash=rest.clash)
