"""The client's copy of its rooms, and who watches it."""

import asyncio
from collections.abc import Callable, Sequence
from weakref import WeakSet

from whatchat.client import state as states
from whatchat.client.state import State, Step
from whatchat.client.stream import EventStream
from whatchat.client.views import Message, Room, SyncAnswer
from whatchat.domain.contract import Event
from whatchat.domain.errors import ChatError
from whatchat.domain.models import User


class Replica:
    """Holds the current state and tells every stream each change once, in order."""

    def __init__(self, me: User) -> None:
        self.state = State(me=me)
        self._streams: WeakSet[EventStream] = WeakSet()
        self._on_gap: Callable[[], None] = lambda: None
        self._end: tuple[ChatError | None] | None = None
        self._changed = asyncio.Event()

    def when_gap(self, notify: Callable[[], None]) -> None:
        """Name what is called whenever something turns out to be missing."""
        self._on_gap = notify

    def take(self, event: Event) -> None:
        """Take in what the server told."""
        self._move(states.advance(self.state, [event]))

    def acknowledge(self, answer: Message | Room) -> None:
        """Take in what the ack of an own command says."""
        self._move(states.advance(self.state, states.acknowledged(self.state, answer)))

    def catch_up(self, answer: SyncAnswer) -> None:
        """Take in a page of ``sync``."""
        self._move(states.catch_up(self.state, answer))

    async def changed(self) -> None:
        """Return once anything was taken in."""
        await self._changed.wait()

    def stream(self) -> EventStream:
        """The events from now on; forgotten once nobody holds it."""
        stream = EventStream()
        self._streams.add(stream)
        if self._end:
            stream.end(*self._end)
        return stream

    def end(self, error: ChatError | None = None) -> None:
        """End all streams, those to come included."""
        self._end = (error,)
        for stream in self._streams:
            stream.end(error)

    def _move(self, step: Step) -> None:
        self.state = step.state
        self._changed.set()
        self._changed = asyncio.Event()
        self._tell(step.events)
        if states.gaps(self.state):
            self._on_gap()

    def _tell(self, events: Sequence[Event]) -> None:
        for stream in self._streams:
            for event in events:
                stream.put(event)
