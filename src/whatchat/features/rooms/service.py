"""What people do with rooms."""

from collections.abc import Sequence

from msgspec import UNSET

from whatchat.domain.access import is_public, not_a_member
from whatchat.domain.actor import Actor
from whatchat.domain.contract import Outcome
from whatchat.domain.errors import NotFound
from whatchat.domain.ids import UserId
from whatchat.domain.models import Room
from whatchat.domain.ports.audit_trail import AuditTrail
from whatchat.domain.ports.blocks import Blocks
from whatchat.domain.ports.room_log import Applied, RoomLog, Rule
from whatchat.domain.ports.room_store import RoomStore
from whatchat.domain.ports.user_directory import UserDirectory
from whatchat.domain.proposing import propose
from whatchat.domain.room_state import RoomRecord
from whatchat.domain.showing import show_room
from whatchat.features.rooms import rules
from whatchat.features.rooms.acts import acts_of
from whatchat.features.rooms.concealment import Concealment
from whatchat.features.rooms.contract import (
    AddMembers,
    CreateRoom,
    GetRoom,
    GrantAdmin,
    JoinRoom,
    LeaveRoom,
    ListMembers,
    ListRooms,
    MemberPage,
    RemoveMember,
    RevokeAdmin,
    RoomCommand,
    RoomPage,
    UpdateRoom,
)
from whatchat.features.rooms.creation import RoomCreation
from whatchat.features.rooms.listing import RoomListing
from whatchat.features.rooms.notes import noted
from whatchat.features.rooms.views import StoredRoomViews


class RoomService:
    """Opens, shows and changes rooms; every change goes through the room log."""

    def __init__(
        self,
        log: RoomLog,
        rooms: RoomStore,
        directory: UserDirectory,
        blocks: Blocks,
        views: StoredRoomViews,
        concealment: Concealment,
        secret: bytes,
        trail: AuditTrail,
    ) -> None:
        self._log = log
        self._rooms = rooms
        self._directory = directory
        self._blocks = blocks
        self._views = views
        self._trail = trail
        self._creation = RoomCreation(log, directory, blocks, concealment, secret)
        self._listing = RoomListing(rooms, views)

    async def create(self, actor: Actor, command: CreateRoom) -> Outcome[Room]:
        """Open a room, or find the direct one that the pair has."""
        applied = await self._creation.create(actor, command)
        await self._record(actor, applied)
        created = applied.entry is not None and not applied.repeated
        return Outcome(await self._shown(actor, applied.record), created=created)

    async def list(self, actor: Actor, command: ListRooms) -> RoomPage:
        """A page of rooms, newest activity first."""
        if command.scope == "public":
            return await self._listing.public(command)
        return await self._listing.own(actor, command)

    async def get(self, actor: Actor, command: GetRoom) -> Room:
        """One room: the actor's own, or a public one as outsiders see it."""
        record = await self._rooms.record(command.room_id)
        if record is None:
            raise not_a_member(None)
        return await self._shown(actor, record)

    async def update(self, actor: Actor, command: UpdateRoom) -> Room:
        """Rename, describe or reconfigure a room."""
        rule = rules.updating(
            actor.user_id,
            None if command.name is UNSET else command.name,
            None if command.description is UNSET else command.description,
            None if command.settings is UNSET else command.settings,
        )
        return await self._change(actor, command, rule)

    async def members(self, actor: Actor, command: ListMembers) -> MemberPage:
        """A page of a room's people."""
        if await self._rooms.membership(command.room_id, actor.user_id) is None:
            raise not_a_member(await self._rooms.record(command.room_id))
        after = None if command.after is UNSET else command.after
        found = await self._rooms.members(command.room_id, after=after, limit=command.limit + 1)
        page = found[: command.limit]
        following = page[-1].user_id if len(found) > command.limit else UNSET
        people = await self._views.participants(page, actor.user_id)
        return MemberPage(members=people, next=following)

    async def add(self, actor: Actor, command: AddMembers) -> Room:
        """Bring people into a room; ``Forbidden`` if one of them is not to be had by the actor."""
        if len(await self._directory.users(command.user_ids)) != len(set(command.user_ids)):
            raise NotFound("no such user", field="userIds")
        barred = (await self._blocks.around(actor.user_id)).blocked_by
        rule = rules.adding(actor.user_id, command.user_ids, barred)
        return await self._change(actor, command, rule, command.user_ids)

    async def remove(self, actor: Actor, command: RemoveMember) -> None:
        """Put somebody out of a room; oneself: leave."""
        is_own = command.user_id == actor.user_id
        rule = (
            rules.leaving(actor.user_id)
            if is_own
            else rules.removing(actor.user_id, command.user_id)
        )
        await self._change(actor, command, rule, (command.user_id,))

    async def join(self, actor: Actor, command: JoinRoom) -> Room:
        """Come into a public room."""
        return await self._change(actor, command, rules.joining(actor.user_id))

    async def leave(self, actor: Actor, command: LeaveRoom) -> Room:
        """Go out of a room; returns it as outsiders see it."""
        return await self._change(actor, command, rules.leaving(actor.user_id))

    async def grant_admin(self, actor: Actor, command: GrantAdmin) -> Room:
        """Make a member an admin."""
        rule = rules.giving_role(actor.user_id, command.user_id, "admin")
        return await self._change(actor, command, rule, (command.user_id,))

    async def revoke_admin(self, actor: Actor, command: RevokeAdmin) -> Room:
        """Make an admin a plain member."""
        rule = rules.giving_role(actor.user_id, command.user_id, "member")
        return await self._change(actor, command, rule, (command.user_id,))

    async def _change(
        self, actor: Actor, command: RoomCommand, rule: Rule, concerned: Sequence[UserId] = ()
    ) -> Room:
        """Make a change, and have the room's history say so right behind it."""
        users = await self._directory.users({actor.user_id, *concerned})
        first, then = noted(propose(actor, command, rule), users)
        applied = await self._log.change(command.room_id, first, then)
        await self._record(actor, applied)
        return await self._shown(actor, applied.record, is_out=True)

    async def _record(self, actor: Actor, applied: Applied) -> None:
        """Tell the audit log what came of it; again of a repetition, which may be why it is one."""
        if applied.entry is not None and (acts := acts_of(applied.entry)):
            await self._trail.record(actor, *acts)

    async def _shown(self, actor: Actor, record: RoomRecord, *, is_out: bool = False) -> Room:
        """The room as the actor may see it; somebody just gone out sees no more than its name."""
        membership = await self._rooms.membership(record.room_id, actor.user_id)
        if membership:
            return (await self._views.for_members([membership]))[0]
        if not is_out and not is_public(record):
            raise not_a_member(record)
        return show_room(record, [])
