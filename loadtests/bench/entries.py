"""Entries of room logs, as pods would write them."""

import os

from whatchat.domain.ids import ClientId, Rev, RoomId, UserId, random_id
from whatchat.domain.log import AnyChange, Entry, MessagePosted, RoomCreated
from whatchat.domain.models import RoomSettings
from whatchat.domain.ports.store import Store
from whatchat.domain.times import utc_now


async def fill(store: Store, room_id: RoomId, people: tuple[UserId, ...], messages: int) -> None:
    """A group of these people, in which the first of them has said so much."""
    created = RoomCreated(
        room_kind="group", name="", description="", settings=RoomSettings(), members=people
    )
    posted = MessagePosted(message_type="text", content="as long as messages are " * 3)
    await store.messages.append([_entry(room_id, 1, people[0], created)])
    said = [_entry(room_id, rev, people[0], posted) for rev in range(2, messages + 2)]
    if said:
        await store.messages.append(said)


def _entry(room_id: RoomId, rev: int, actor_id: UserId, change: AnyChange) -> Entry:
    return Entry(
        room_id=room_id,
        rev=Rev(rev),
        actor_id=actor_id,
        client_id=ClientId(random_id()),
        digest=os.urandom(16),
        at=utc_now(),
        pod="bench",
        change=change,
    )
