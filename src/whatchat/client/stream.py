"""What a reader of events reads from."""

import asyncio
from collections import deque
from typing import Final

from whatchat.client.events import EventsMissed
from whatchat.domain.contract import Event
from whatchat.domain.errors import ChatError

HELD_EVENTS: Final = 1_000


class EventStream:
    """The events from its making on, in order, until the client closes: ``async for``.

    At most ``HELD_EVENTS`` wait to be read. A reader that falls behind further loses the
    oldest and is told how many with an ``EventsMissed`` in their place. Where the client
    ends by an error (its sign-in was revoked), reading raises that.
    """

    def __init__(self) -> None:
        self._waiting: deque[Event] = deque()
        self._missed = 0
        self._changed = asyncio.Event()
        self._is_ended = False
        self._error: ChatError | None = None

    def __aiter__(self) -> "EventStream":
        return self

    async def __anext__(self) -> Event:
        while not self._waiting:
            if self._error:
                raise self._error
            if self._is_ended:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        if self._missed:
            missed, self._missed = self._missed, 0
            return EventsMissed(count=missed)
        return self._waiting.popleft()

    def put(self, event: Event) -> None:
        """Add an event."""
        if len(self._waiting) >= HELD_EVENTS:
            self._waiting.popleft()
            self._missed += 1
        self._waiting.append(event)
        self._changed.set()

    def end(self, error: ChatError | None = None) -> None:
        """Let the reader come to the end of what waits."""
        self._is_ended = True
        self._error = error
        self._changed.set()
