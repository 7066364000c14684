"""What operators may see of rooms: who and how many, never what is said."""

from collections.abc import Sequence

from msgspec import UNSET

from whatchat.domain.actor import Actor, Operator
from whatchat.domain.audit import Act, party
from whatchat.domain.errors import Forbidden, NotFound
from whatchat.domain.ids import ClientId, DeviceId, GrantId, RoomId, Seq, UserId, locate, random_id
from whatchat.domain.log import MemberRemoved, MessageDeleted, RoleChanged
from whatchat.domain.message_state import MessageState
from whatchat.domain.ports.audit_trail import AuditTrail
from whatchat.domain.ports.inventory import Inventory
from whatchat.domain.ports.message_store import MessageStore
from whatchat.domain.ports.room_log import Proposal, RoomLog, Rule
from whatchat.domain.ports.room_store import RoomStore
from whatchat.domain.ports.user_directory import UserDirectory
from whatchat.domain.room_state import RoomRecord, RoomState
from whatchat.domain.showing import unknown_user
from whatchat.domain.times import timestamp
from whatchat.features.admin.contract import (
    EraseMessage,
    ExpelMember,
    InspectRoom,
    ListAllRooms,
    ListRoomMembers,
)
from whatchat.features.admin.views import (
    RoomMember,
    RoomMemberPage,
    RoomSummary,
    RoomSummaryPage,
)

SERVER = UserId("server")
"""Whose changes those by operators are in a room's log; no account has an id like that."""


class RoomDesk:
    """Looks at rooms, erases messages and puts people out; every change is the room log's."""

    def __init__(
        self,
        inventory: Inventory,
        rooms: RoomStore,
        messages: MessageStore,
        log: RoomLog,
        directory: UserDirectory,
        trail: AuditTrail,
    ) -> None:
        self._inventory = inventory
        self._rooms = rooms
        self._messages = messages
        self._log = log
        self._directory = directory
        self._trail = trail

    async def list(self, _operator: Operator, command: ListAllRooms) -> RoomSummaryPage:
        """A page of rooms, by id."""
        found = await self._inventory.rooms(
            query=command.query,
            after=None if command.after is UNSET else command.after,
            limit=command.limit + 1,
        )
        page = found[: command.limit]
        following = page[-1].room_id if len(found) > command.limit else UNSET
        return RoomSummaryPage(rooms=[_summary(record) for record in page], next=following)

    async def inspect(self, _operator: Operator, command: InspectRoom) -> RoomSummary:
        """One room."""
        return _summary(await self._record(command.room_id))

    async def members(self, _operator: Operator, command: ListRoomMembers) -> RoomMemberPage:
        """A page of a room's people, by id."""
        await self._record(command.room_id)
        after = None if command.after is UNSET else command.after
        found = await self._rooms.members(command.room_id, after=after, limit=command.limit + 1)
        page = found[: command.limit]
        following = page[-1].user_id if len(found) > command.limit else UNSET
        users = await self._directory.users([member.user_id for member in page])
        members = [
            RoomMember(
                user=users.get(member.user_id) or unknown_user(member.user_id), role=member.role
            )
            for member in page
        ]
        return RoomMemberPage(members=members, next=following)

    async def expel(self, operator: Operator, command: ExpelMember) -> None:
        """Put somebody out of a group; a direct room stays as it is.

        If it was the last admin, whoever has been there longest becomes one right behind it; if
        that was cut off, the next call sees to it, whatever else comes of it.
        """
        room_id, user_id = command.room_id, command.user_id
        await self._record(room_id)
        acts = []
        try:
            proposal = _proposal(SERVER, "expelled", _expelling(user_id))
            await self._log.change(room_id, proposal)
            acts.append(Act(kind="member.removed", user_id=user_id, room_id=room_id))
        finally:
            acts += await self._succeeded(room_id)
            await self._trail.record(party(operator), *acts)

    async def erase(self, operator: Operator, command: EraseMessage) -> None:
        """Erase a message for everyone, in the name of its sender; a tombstone stays.

        Harmless if it is deleted.
        """
        message = await self._message(command)
        proposal = _proposal(message.sender_id, "removed", _erasing(message.seq), message.seq)
        applied = await self._log.change(message.room_id, proposal)
        if applied.entry is not None and not applied.repeated:
            act = Act(
                kind="message.removed",
                user_id=message.sender_id,
                room_id=message.room_id,
                message_id=command.message_id,
            )
            await self._trail.record(party(operator), act)

    async def _succeeded(self, room_id: RoomId) -> Sequence[Act]:
        """See to it that a group has an admin; what the audit log is to say of it."""
        applied = await self._log.change(room_id, _proposal(SERVER, "succeeded", _succession))
        match applied.entry and applied.entry.change:
            case RoleChanged(user_id=user_id):
                return [Act(kind="admin.granted", user_id=user_id, room_id=room_id)]
        return []

    async def _record(self, room_id: RoomId) -> RoomRecord:
        record = await self._rooms.record(room_id)
        if record is None:
            raise NotFound("no such room", field="roomId")
        return record

    async def _message(self, command: EraseMessage) -> MessageState:
        found = locate(command.message_id)
        message = (await self._messages.messages([found])).get(found) if found else None
        if message is None:
            raise NotFound("no such message", field="messageId")
        return message


def _proposal(who: UserId, what: str, rule: Rule, target: Seq | None = None) -> Proposal:
    """Under an id that no client can have taken; of an erasure the same for each attempt."""
    actor = Actor(
        user_id=who, device_id=DeviceId(""), grant_id=GrantId(""), expires_at=0, address=""
    )
    distinct = str(target) if target else random_id()
    return Proposal(
        actor=actor,
        client_id=ClientId(f"{what}:{distinct}"),
        body=what.encode(),
        rule=rule,
        target=target,
    )


def _erasing(seq: Seq) -> Rule:
    def rule(state: RoomState) -> MessageDeleted | None:
        message = state.messages.get(seq)
        if message is None:
            raise NotFound("no such message", field="messageId")
        return None if message.deleted_at else MessageDeleted(seq=seq)

    return rule


def _expelling(user_id: UserId) -> Rule:
    def rule(state: RoomState) -> MemberRemoved:
        if state.record.kind == "direct":
            raise Forbidden("a direct room stays as it is", field="roomId")
        if user_id not in state.members:
            raise NotFound("not a member of this room", field="userId")
        return MemberRemoved(user_id=user_id)

    return rule


def _succession(state: RoomState) -> RoleChanged | None:
    if state.record.kind == "direct" or state.admins() or not state.members:
        return None
    heir = min(state.members.values(), key=lambda one: (one.joined_seq, one.user_id))
    return RoleChanged(user_id=heir.user_id, role="admin")


def _summary(record: RoomRecord) -> RoomSummary:
    return RoomSummary(
        id=record.room_id,
        kind=record.kind,
        name=record.name,
        participant_count=record.participant_count,
        settings=record.settings,
        rev=record.rev,
        created_by=record.created_by,
        created_at=timestamp(record.created_at),
        last_activity=timestamp(record.last_activity),
    )
