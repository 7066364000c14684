"""A room as a server would keep and tell it: the simplest thing that could be right."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from msgspec import UNSET, structs

from whatchat.client.events import (
    MessageChanged,
    MessageErased,
    MessageSent,
    RoomChange,
    RoomCreated,
    RoomUpdated,
)
from whatchat.client.views import (
    Message,
    Participant,
    Reaction,
    Receipt,
    Room,
    RoomSettings,
    SyncAnswer,
    SyncedRoom,
)
from whatchat.domain.contract import RoomEvent
from whatchat.domain.ids import ClientId, MessageId, Rev, RoomId, Seq, UserId
from whatchat.domain.models import User

ME = User(id=UserId("me"), username="me", display_name="Me")
ROOM_ID = RoomId("room")
EPOCH = "first"

Kind = Literal["post", "edit", "delete", "react", "rename", "join", "leave"]


def person(name: str) -> User:
    return User(id=UserId(name), username=name, display_name=name.title())


def time_of(rev: int) -> str:
    return f"2026-01-01T00:{rev // 60:02}:{rev % 60:02}.000Z"


@dataclass(frozen=True)
class Change:
    """Something asked of the room: ``target`` picks a message, ``who`` does it."""

    kind: Kind
    who: str
    target: int = 0


@dataclass
class RoomModel:
    """The room after each rev; ``rooms[rev]`` and ``messages[rev]`` are the states then."""

    rooms: list[Room] = field(default_factory=list)
    messages: list[dict[int, Message]] = field(default_factory=list)
    log: list[Change] = field(default_factory=list)
    read_seq: int = 0

    def __post_init__(self) -> None:
        members = tuple(
            Participant(user=user, role=role)
            for user, role in ((ME, "admin"), (person("ann"), "member"), (person("bob"), "member"))
        )
        nothing = Room(
            id=ROOM_ID,
            kind="group",
            name="Room",
            description="",
            participant_count=3,
            participants=members,
            settings=RoomSettings(),
            rev=Rev(0),
            created_at=time_of(1),
            last_activity=time_of(1),
        )
        self.rooms = [nothing, self._at(nothing, 1)]
        self.messages = [{}, {}]
        self.log = [Change("post", "nobody"), Change("rename", "me")]

    @property
    def head(self) -> Rev:
        return Rev(len(self.rooms) - 1)

    def make(self, change: Change) -> None:
        """Append a change, or a post where there is nothing to change yet."""
        present = {one.user.username for one in self.rooms[-1].participants}
        no_target = change.kind in {"edit", "delete", "react"} and not self.messages[-1]
        no_move = change.kind in {"join", "leave"} and (change.kind == "leave") != (
            "bob" in present
        )
        if no_target or no_move:
            change = replace(change, kind="post")
        if change.who not in present:
            change = replace(change, who="ann")
        rev = self.head + 1
        messages = dict(self.messages[-1])
        room = self._at(self.rooms[-1], rev)
        if change.kind == "post":
            messages[rev] = self._posted(rev, change.who)
            room = structs.replace(room, last_activity=time_of(rev))
        elif change.kind in {"edit", "delete", "react"}:
            seq = sorted(messages)[change.target % len(messages)]
            messages[seq] = _changed(messages[seq], change, rev)
        else:
            room = _room_changed(room, change)
        self.rooms.append(room)
        self.messages.append(messages)
        self.log.append(change)

    def event(self, rev: int, *, as_of: int | None = None) -> RoomEvent:
        """What the room hears of a change, with states as of then or later."""
        at = rev if as_of is None else as_of
        change = self.log[rev]
        if change.kind in {"post", "edit", "delete", "react"}:
            seq = rev if change.kind == "post" else self._target(rev)
            kind = {"post": MessageSent, "delete": MessageErased}.get(change.kind, MessageChanged)
            return kind(room_id=ROOM_ID, rev=Rev(rev), message=self.messages[at][seq])
        told = RoomChange(
            kind={"join": "joined", "leave": "left"}.get(change.kind, "updated"),
            user_ids=(UserId("bob"),) if change.kind in {"join", "leave"} else (),
        )
        event = RoomCreated if rev == 1 else RoomUpdated
        return event(room_id=ROOM_ID, rev=Rev(rev), room=self.rooms[at], change=told)

    def ack(self, rev: int) -> Message:
        """What the sender of a message's change is answered."""
        change = self.log[rev]
        return self.messages[rev][rev if change.kind == "post" else self._target(rev)]

    def is_own_message_change(self, rev: int) -> bool:
        change = self.log[rev]
        return change.who == "me" and change.kind in {"post", "edit", "delete", "react"}

    def snapshot(self, rev: int | None = None) -> SyncAnswer:
        """What a client without a cursor is answered at some rev."""
        at = self.head if rev is None else Rev(rev)
        messages = [self.messages[at][seq] for seq in sorted(self.messages[at])][-50:]
        return answer(
            SyncedRoom(
                room_id=ROOM_ID,
                state="snapshot",
                room=self.shown(at),
                messages=tuple(messages),
                receipts=self.receipts(),
                rev=at,
            )
        )

    def recovered(self, cursor: int, *, limit: int = 1_000) -> SyncAnswer:
        """A page for a client with a cursor, of the room as it is now."""
        changed = sorted(
            (one for one in self.messages[-1].values() if one.rev > cursor), key=lambda one: one.rev
        )
        more = len(changed) > limit
        page = changed[:limit]
        room_changed = any(
            self.log[rev].kind in {"rename", "join", "leave"}
            for rev in range(cursor + 1, self.head + 1)
        )
        return answer(
            SyncedRoom(
                room_id=ROOM_ID,
                state="recovered",
                room=self.shown(self.head) if room_changed else UNSET,
                messages=tuple(page),
                receipts=self.receipts(),
                rev=page[-1].rev if more else self.head,
                more=more,
            ),
            more=more,
        )

    def shown(self, rev: int) -> Room:
        """The room as its viewer sees it."""
        messages = self.messages[rev]
        unread = sum(
            one.sender.id != ME.id and one.message_type != "system" and one.seq > self.read_seq
            for one in messages.values()
        )
        room = self.rooms[rev]
        people = tuple(
            structs.replace(one, read_seq=Seq(self.read_seq), delivered_seq=Seq(self.read_seq))
            if one.user.id == ME.id
            else one
            for one in room.participants
        )
        last = messages[max(messages)] if messages else UNSET
        return structs.replace(
            room, participants=people, unread=min(unread, 100), last_message=last
        )

    def receipts(self) -> tuple[Receipt, ...]:
        seq = Seq(self.read_seq)
        own = Receipt(user_id=ME.id, delivered_seq=seq, read_seq=seq)
        return (own,) if self.read_seq else ()

    def _target(self, rev: int) -> int:
        before = self.messages[rev - 1]
        return sorted(before)[self.log[rev].target % len(before)]

    def _at(self, room: Room, rev: int) -> Room:
        return structs.replace(room, rev=Rev(rev))

    def _posted(self, rev: int, who: str) -> Message:
        return Message(
            id=MessageId(f"{ROOM_ID}{rev}"),
            room_id=ROOM_ID,
            seq=Seq(rev),
            rev=Rev(rev),
            client_id=ClientId(f"client-id-{rev:06}"),
            sender=ME if who == "me" else person(who),
            # Some of what stands in Bob's name is the server's own word: nobody has it unread.
            message_type="system" if who == "bob" and rev % 2 else "text",
            content=f"message {rev}",
            created_at=time_of(rev),
        )


def model_of(changes: Iterable[Change]) -> RoomModel:
    model = RoomModel()
    for change in changes:
        model.make(change)
    return model


def answer(*rooms: SyncedRoom, more: bool = False, epoch: str = EPOCH) -> SyncAnswer:
    return SyncAnswer(epoch=epoch, rooms=rooms, more=more)


def _changed(message: Message, change: Change, rev: int) -> Message:
    if change.kind == "delete":
        deleted = message.deleted_at or time_of(rev)
        return structs.replace(message, rev=Rev(rev), content="", reactions=(), deleted_at=deleted)
    if message.deleted_at:
        return structs.replace(message, rev=Rev(rev))
    if change.kind == "edit":
        return structs.replace(message, rev=Rev(rev), content=f"edit {rev}", edited_at=time_of(rev))
    return structs.replace(
        message, rev=Rev(rev), reactions=(Reaction(emoji="👍", users=[UserId(str(rev))]),)
    )


def _room_changed(room: Room, change: Change) -> Room:
    if change.kind == "rename":
        return structs.replace(room, name=f"Room {room.rev}")
    people = tuple(one for one in room.participants if one.user.username != "bob")
    if change.kind == "join":
        people = (*people, Participant(user=person("bob"), role="member"))
    return structs.replace(room, participants=people, participant_count=len(people))
