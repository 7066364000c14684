"""Answers operators from all pods together."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

from msgspec import UNSET, UnsetType
from msgspec.structs import asdict

from whatchat.domain.actor import Operator
from whatchat.domain.debugging import (
    Ask,
    AskInside,
    AskMessage,
    AskRooms,
    AskSocket,
    AskSockets,
    AskTheseRooms,
    MessageOnPod,
    PodInside,
    RoomOnPod,
    SocketDetail,
    SocketRow,
)
from whatchat.domain.errors import NotFound, Unavailable
from whatchat.domain.ids import Rev, RoomId, locate
from whatchat.domain.log import Entry, MessagePosted
from whatchat.domain.models import View
from whatchat.domain.ports.message_store import MessageStore
from whatchat.features.debug.asking import Asked, Asking
from whatchat.features.debug.contract import (
    ListLiveRooms,
    ListLiveSockets,
    ListPods,
    ShowLiveRoom,
    ShowLiveSocket,
    ShowPod,
    TraceMessage,
)
from whatchat.features.debug.roster import Roster, missing_of
from whatchat.features.debug.trail import trail_of
from whatchat.features.debug.views import (
    LiveRoom,
    LiveSocketDetail,
    MessageTrail,
    PodDetail,
    PodTable,
    RoomRow,
    RoomTable,
    SocketTable,
)

AT_ONCE: Final = 8
"""So many questions of operators a pod is at; more wait: a dashboard asks a dozen at a time."""

MAX_QUESTIONS: Final = 64
"""So many it has, with those that wait; of more it answers none."""

COMPARED: Final = 1_000
"""Of so many rooms, those that look largest, all pods are asked what they have of them."""

T = TypeVar("T", bound=View)


class DebugDesk:
    """Asks the pods, puts their answers together, and names those that are missing.

    Any pod answers for all, within two seconds, whatever became of the others.
    What is nowhere is ``NotFound``; if it may be on a pod that did not answer, ``Unavailable``.
    """

    def __init__(self, roster: Roster, asking: Asking, messages: MessageStore) -> None:
        self._roster = roster
        self._asking = asking
        self._messages = messages
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._questions = 0

    async def pods(self, _operator: Operator, _command: ListPods) -> PodTable:
        """All pods."""
        rows = await self._roster.pods()
        return PodTable(pods=rows, missing=missing_of(rows))

    async def pod(self, _operator: Operator, command: ShowPod) -> PodDetail:
        """One pod, as it told last, and what it has to count for."""
        rows = {row.pod: row for row in await self._roster.pods()}
        row = rows.get(command.pod)
        if row is None:
            raise NotFound("no such pod", field="pod")
        asked = await self._ask([row.pod], AskInside(), PodInside)
        inside = {name: value for one in _all(asked) for name, value in asdict(one).items()}
        return PodDetail(**asdict(row), **inside, missing=asked.missing)

    async def rooms(self, _operator: Operator, command: ListLiveRooms) -> RoomTable:
        """Rooms with sockets."""
        pods = await self._pods(command.pod)
        if command.order == "sockets":
            return await self._largest(pods, command.limit)
        after = None if command.after is UNSET else command.after
        asked = await self._ask(pods, AskRooms(limit=command.limit + 1, after=after), RoomOnPod)
        rows = sorted(_rooms(_all(asked)), key=lambda row: row.room_id)
        following = rows[command.limit - 1].room_id if len(rows) > command.limit else UNSET
        return RoomTable(rooms=rows[: command.limit], next=following, missing=asked.missing)

    async def room(self, _operator: Operator, command: ShowLiveRoom) -> LiveRoom:
        """One room, pod by pod."""
        pods = await self._pods(UNSET)
        asked = await self._ask(pods, AskTheseRooms(room_ids=[command.room_id]), RoomOnPod)
        found = _all(asked)
        if not found:
            raise _nowhere("room with a socket", "roomId", asked.missing)
        return LiveRoom(**asdict(_rooms(found)[0]), per_pod=found, missing=asked.missing)

    async def sockets(self, _operator: Operator, command: ListLiveSockets) -> SocketTable:
        """Sockets by name."""
        ask = AskSockets(
            limit=command.limit + 1,
            after=None if command.after is UNSET else command.after,
            room_id=command.room_id or None,
            user_id=command.user_id or None,
            closed=command.state == "closed",
        )
        asked = await self._ask(await self._pods(command.pod), ask, SocketRow)
        rows = sorted(_all(asked), key=lambda row: row.socket)
        following = rows[command.limit - 1].socket if len(rows) > command.limit else UNSET
        return SocketTable(sockets=rows[: command.limit], next=following, missing=asked.missing)

    async def socket(self, _operator: Operator, command: ShowLiveSocket) -> LiveSocketDetail:
        """One socket."""
        pods = await self._pods(UNSET)
        asked = await self._ask(pods, AskSocket(socket=command.socket), SocketDetail)
        for found in _all(asked):
            return LiveSocketDetail(**asdict(found), missing=asked.missing)
        raise _nowhere("socket", "socket", asked.missing)

    async def message(self, _operator: Operator, command: TraceMessage) -> MessageTrail:
        """One message's way."""
        place = locate(command.message_id)
        if place is None:
            raise NotFound("no such message", field="messageId")
        room_id, seq = place
        ask = AskMessage(room_id=room_id, seq=seq)
        asked = await self._ask(await self._pods(UNSET), ask, MessageOnPod)
        found = _all(asked)
        entry = await self._entry(room_id, Rev(seq), is_known=bool(found))
        return trail_of(command.message_id, found, entry, asked.missing)

    async def _entry(self, room_id: RoomId, rev: Rev, *, is_known: bool) -> Entry | None:
        """The message in the log; ``None`` while the store is away, if a pod knows of it."""
        try:
            entries = await self._messages.entries(room_id, after=Rev(rev - 1), limit=1)
        except Unavailable:
            if is_known:
                return None
            raise
        if not entries or entries[0].rev != rev or not isinstance(entries[0].change, MessagePosted):
            raise NotFound("no such message", field="messageId")
        return entries[0]

    async def _largest(self, pods: Sequence[str], limit: int) -> RoomTable:
        """The rooms with the most sockets on any pod, then what all pods have of these."""
        largest = await self._ask(pods, AskRooms(limit=limit, most_sockets=True), RoomOnPod)
        seen = sorted(_rooms(_all(largest)), key=_by_size)
        room_ids = sorted(row.room_id for row in seen[:COMPARED])
        if len(largest.answers) == 1:
            found, missing = _all(largest), largest.missing
        else:
            asked = await self._ask(largest.answers, AskTheseRooms(room_ids=room_ids), RoomOnPod)
            found, missing = _all(asked), [*largest.missing, *asked.missing]
        rows = sorted(_rooms(found), key=_by_size)
        return RoomTable(rooms=rows[:limit], missing=missing)

    async def _pods(self, only: str | UnsetType) -> list[str]:
        pods = [row.pod for row in await self._roster.pods()]
        if not only:
            return pods
        if only not in pods:
            raise NotFound("no such pod", field="pod")
        return [only]

    async def _ask(self, pods: Iterable[str], ask: Ask, kind: type[T]) -> Asked[T]:
        if self._questions >= MAX_QUESTIONS:
            raise Unavailable("too many questions at once")
        self._questions += 1
        try:
            async with self._at_once:
                return await self._asking.ask(pods, ask, kind)
        finally:
            self._questions -= 1


def _all(asked: Asked[T]) -> list[T]:
    return [one for said in asked.answers.values() for one in said]


def _rooms(found: Iterable[RoomOnPod]) -> list[RoomRow]:
    """Each room once, with what all pods have of it."""
    rooms: dict[RoomId, list[RoomOnPod]] = defaultdict(list)
    for one in found:
        rooms[one.room_id].append(one)
    return [_together(room_id, parts) for room_id, parts in rooms.items()]


def _by_size(row: RoomRow) -> tuple[int, RoomId]:
    return -row.sockets, row.room_id


def _together(room_id: RoomId, parts: Sequence[RoomOnPod]) -> RoomRow:
    heads = [part.head for part in parts]
    return RoomRow(
        room_id=room_id,
        sockets=sum(part.sockets for part in parts),
        users=sum(part.users for part in parts),
        pods=len(parts),
        head=max(heads),
        behind=max(heads) - min(heads),
        hole=any(part.hole for part in parts),
    )


def _nowhere(what: str, field: str, missing: Sequence[str]) -> NotFound | Unavailable:
    if missing:
        return Unavailable(f"no such {what} on the pods that answered; missing: {missing[0]}")
    return NotFound(f"no such {what}", field=field)
