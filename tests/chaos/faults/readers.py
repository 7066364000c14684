"""People who read all the time, and remember."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.chaos.crowd import Crowd
from tests.chaos.person import Person
from whatchat.client.views import Message
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import RoomId, Seq

READERS = 12
PAUSE_SECONDS = 0.1
CIRCLE = slice(1, 2)
"""Of a person's rooms, the one where so much is said that some of it is taken back."""


class Reader:
    """Reads the latest page of a room again and again."""

    def __init__(self, person: Person, room_id: RoomId) -> None:
        self._client = person.client
        self._room_id = room_id
        self._seen: dict[Seq, Message] = {}

    async def read(self) -> None:
        """Read until cancelled; a store that does not answer is asked again."""
        while True:
            with suppress(Unavailable):
                page = await self._client.history(self._room_id)
                self._seen |= {message.seq: message for message in page.messages}
            await asyncio.sleep(PAUSE_SECONDS)

    async def find_all_again(self) -> None:
        """Fail if anything that was read is not there, or is as it was before that."""
        assert self._seen, "nothing could be read"
        found: dict[Seq, Message] = {}
        last, more = Seq(min(self._seen) - 1), True
        while more:
            page = await self._client.history(self._room_id, after=last)
            found |= {message.seq: message for message in page.messages}
            last, more = max(found, default=last), page.has_more and bool(page.messages)
        gone = {seq for seq, message in self._seen.items() if _is_gone(message, found.get(seq))}
        assert not gone, f"read and then gone or undone: {sorted(gone)}"


def _is_gone(read: Message, now: Message | None) -> bool:
    """What has changed since has a higher rev."""
    return now is None or now.rev < read.rev or (now.rev == read.rev and now != read)


@asynccontextmanager
async def reading(crowd: Crowd) -> AsyncIterator[None]:
    """Have some of the crowd read during the block; in the end they find all that again."""
    people = crowd.judged[:: max(1, len(crowd.judged) // READERS)]
    readers = [Reader(person, room_id) for person in people for room_id in person.room_ids[CIRCLE]]
    tasks = [asyncio.create_task(reader.read(), name="reader") for reader in readers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in ended), ended
    await asyncio.gather(*(reader.find_all_again() for reader in readers))
