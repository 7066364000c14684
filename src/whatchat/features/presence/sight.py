"""Who may see whom."""

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from whatchat.domain.ids import UserId
from whatchat.domain.ports.blocks import Blocks
from whatchat.domain.ports.room_store import DirectPeer, RoomStore
from whatchat.domain.ports.user_directory import Privacy, UserDirectory


class Onlookers(Struct, frozen=True, kw_only=True):
    """Who may know how things stand with somebody.

    ``peers`` share a direct room with that person; ``everyone`` may besides, but for those
    on the other side of a block.
    """

    peers: tuple[UserId, ...] = ()
    everyone: bool = False


class Sight:
    """Decides by people's ``presence`` setting, their direct rooms and the blocks around them.

    A person's contacts are those with whom the person shares a direct room that the person
    created, wrote or reacted in. Everybody sees themselves, nobody sees across a block.
    Raises ``Unavailable`` when the store is.
    """

    def __init__(self, rooms: RoomStore, directory: UserDirectory, blocks: Blocks) -> None:
        self._rooms = rooms
        self._directory = directory
        self._blocks = blocks

    async def visible(self, viewer_id: UserId, user_ids: Collection[UserId]) -> set[UserId]:
        """Those of these people whom the viewer may see."""
        across = (await self._blocks.around(viewer_id)).across
        return await self.shown(viewer_id, set(user_ids) - across)

    async def shown(self, viewer_id: UserId, user_ids: Collection[UserId]) -> set[UserId]:
        """Those of these people who show themselves to the viewer, unless there is a block."""
        shown, contacts = set[UserId](), set[UserId]()
        for user_id, privacy in (await self._directory.privacy(user_ids)).items():
            if privacy.presence == "everyone" or user_id == viewer_id:
                shown.add(user_id)
            elif privacy.presence == "contacts":
                contacts.add(user_id)
        if contacts:
            peers = await self.peers(viewer_id)
            shown |= contacts & {one.user_id for one in peers if one.was_reached}
        return shown

    async def peers(self, user_id: UserId) -> Sequence[DirectPeer]:
        """Everybody with whom the user shares a direct room."""
        return (await self._rooms.direct_peers([user_id])).get(user_id, ())

    async def onlookers(self, user_ids: Collection[UserId]) -> Mapping[UserId, Onlookers]:
        """Who may see each of these people; whom nobody may see is absent."""
        privacy = {
            user_id: privacy
            for user_id, privacy in (await self._directory.privacy(user_ids)).items()
            if privacy.presence != "nobody"
        }
        peers = await self._rooms.direct_peers(list(privacy)) if privacy else {}
        blocked = await self._blocks.around_all(peers)
        found = {}
        for user_id, own in privacy.items():
            across = blocked[user_id].across if user_id in blocked else frozenset[UserId]()
            allowed = [one.user_id for one in peers.get(user_id, ()) if _shows(own, one)]
            found[user_id] = Onlookers(
                peers=tuple(one for one in allowed if one not in across),
                everyone=own.presence == "everyone",
            )
        return found


def _shows(own: Privacy, peer: DirectPeer) -> bool:
    return own.presence == "everyone" or peer.reached_out
