"""The command and answer of catching up."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from whatchat.domain.contract import Command
from whatchat.domain.ids import RevField, RoomId, RoomIdField, Seq, UserId
from whatchat.domain.models import Message, Room, View

MAX_CURSORS = 1_000
MARK_PATTERN = r"^([0-9]{1,14}(\.[0-9]{1,14}\.[A-Za-z0-9_-]{1,32})?)?\Z"


class Sync(Command, frozen=True, kw_only=True):
    """Bring the caller's rooms up to date from the cursors it holds.

    ``only`` leaves out the rooms that ``cursors`` does not name. ``epoch`` is the one that
    the cursors belong to; another than the server's makes all of them void.
    With ``receiptsSince``, the ``receiptsAt`` of the last answer or empty to begin with, rooms
    in which nothing but receipts has changed come as well.
    """

    cursors: Annotated[dict[RoomIdField, RevField], Meta(max_length=MAX_CURSORS)]
    only: bool = False
    limit: Annotated[int, Meta(ge=1, le=500)] = 200
    epoch: Annotated[str, Meta(max_length=64)] | UnsetType = UNSET
    receipts_since: Annotated[str, Meta(pattern=MARK_PATTERN)] | UnsetType = UNSET


class Receipt(View, frozen=True, kw_only=True):
    """How far a member has got."""

    user_id: UserId
    delivered_seq: Seq
    read_seq: Seq


class SyncedRoom(View, frozen=True, kw_only=True):
    """One room's part: what ``state`` says to do with it, and the cursor to hold next."""

    room_id: RoomId
    state: Literal["recovered", "snapshot"]
    room: Room | UnsetType = UNSET
    messages: list[Message]
    receipts: list[Receipt]
    rev: int
    more: bool


class Synced(View, frozen=True, kw_only=True):
    """A page of catching up; ``more`` says to ask again with the cursors now held."""

    epoch: str
    rooms: list[SyncedRoom]
    removed: list[RoomId]
    more: bool
    receipts_at: str | UnsetType = UNSET
