"""Opening rooms: what is asked for, checked and made into a room's first entry."""

from collections.abc import Collection, Sequence

from msgspec import UNSET
from msgspec.structs import replace

from whatchat.domain.actor import Actor
from whatchat.domain.errors import Invalid, NotFound
from whatchat.domain.ids import ClientId, UserId, derived_room_id, direct_room_id, random_id
from whatchat.domain.log import RoomCreated
from whatchat.domain.models import RoomSettings
from whatchat.domain.ports.blocks import Blocks
from whatchat.domain.ports.room_log import Applied, RoomLog
from whatchat.domain.ports.user_directory import UserDirectory
from whatchat.domain.proposing import propose
from whatchat.features.rooms import rules, settings
from whatchat.features.rooms.concealment import Concealment
from whatchat.features.rooms.contract import CreateRoom, SettingsPatch


class RoomCreation:
    """Makes rooms whose ids stem, under the store's secret, from what must be unique.

    A direct room's from its pair, a group's from its creator's ``clientId``: the first
    entry of the log then settles who was first, at whatever pod.
    """

    def __init__(
        self,
        log: RoomLog,
        directory: UserDirectory,
        blocks: Blocks,
        concealment: Concealment,
        secret: bytes,
    ) -> None:
        self._log = log
        self._directory = directory
        self._blocks = blocks
        self._concealment = concealment
        self._secret = secret

    async def create(self, actor: Actor, command: CreateRoom) -> Applied:
        """Open the room, or find the one that is there."""
        people = await self._people(actor, command)
        client_id = ClientId(random_id()) if command.client_id is UNSET else command.client_id
        change = _first_entry(command, people)
        blocked_by = (await self._blocks.around(actor.user_id)).blocked_by
        if command.kind == "direct":
            return await self._create_direct(actor, command, client_id, change, blocked_by)
        room_id = derived_room_id(self._secret, "group", actor.user_id, client_id)
        rule = rules.creating_group(change, blocked_by)
        return await self._log.change(room_id, propose(actor, command, rule, client_id=client_id))

    async def _create_direct(
        self,
        actor: Actor,
        command: CreateRoom,
        client_id: ClientId,
        change: RoomCreated,
        blocked_by: Collection[UserId],
    ) -> Applied:
        """Open a pair's room, concealed from the other who blocks the actor.

        Where it was there, it is from now on also for an actor from whom it was concealed.
        """
        other_id = change.members[-1]
        change = replace(change, concealed=other_id in blocked_by)
        proposal = propose(actor, command, rules.creating_direct(change), client_id=client_id)
        room_id = direct_room_id(self._secret, *change.members)
        applied = await self._log.change(room_id, proposal)
        if applied.entry is None:
            await self._concealment.open(actor.user_id, other_id)
        elif change.concealed:
            await self._concealment.settle(actor.user_id, other_id)
        return applied

    async def _people(self, actor: Actor, command: CreateRoom) -> Sequence[UserId]:
        others = [one for one in dict.fromkeys(command.participants) if one != actor.user_id]
        if command.kind == "direct" and len(others) != 1:
            raise Invalid("a direct room has exactly one other person", field="participants")
        known = await self._directory.users(others)
        if len(known) != len(others):
            raise NotFound("no such user", field="participants")
        return (actor.user_id, *others)


def _first_entry(command: CreateRoom, people: Sequence[UserId]) -> RoomCreated:
    """A direct room is given no name: it would be words that no block keeps from the other."""
    patch = SettingsPatch() if command.settings is UNSET else command.settings
    is_direct = command.kind == "direct"
    given = settings.direct(patch) if is_direct else settings.patched(RoomSettings(), patch)
    if len(people) > given.max_participants:
        raise Invalid("more people than `maxParticipants`", field="participants")
    return RoomCreated(
        room_kind=command.kind,
        name="" if is_direct or command.name is UNSET else command.name,
        description="" if is_direct or command.description is UNSET else command.description,
        settings=given,
        members=tuple(people),
    )
