"""Entries to append in tests."""

from whatchat.domain.ids import ClientId, Rev, RoomId, UserId, random_id
from whatchat.domain.log import AnyChange, Entry, MessagePosted, RoomCreated
from whatchat.domain.models import RoomSettings
from whatchat.domain.times import utc_now

ADA, BOB, EVE = UserId("ada"), UserId("bob"), UserId("eve")


def entry(
    room_id: RoomId,
    rev: int,
    change: AnyChange,
    *,
    actor: UserId = ADA,
    client_id: str | None = None,
) -> Entry:
    return Entry(
        room_id=room_id,
        rev=Rev(rev),
        actor_id=actor,
        client_id=ClientId(client_id or random_id()),
        digest=b"digest",
        at=utc_now(),
        pod="pod",
        change=change,
    )


def post(content: str = "hello") -> MessagePosted:
    return MessagePosted(message_type="text", content=content)


def created(*people: UserId, private: bool = True) -> RoomCreated:
    return RoomCreated(
        room_kind="group",
        name="Room",
        description="",
        settings=RoomSettings(is_private=private),
        members=people,
    )
