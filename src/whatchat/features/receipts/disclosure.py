"""What others may know of how far somebody has got."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

from whatchat.domain.ids import RoomId, Seq, UserId
from whatchat.domain.ports.blocks import Blocked, Blocks
from whatchat.domain.ports.live_rooms import LiveRooms
from whatchat.domain.ports.message_store import MessageStore
from whatchat.domain.ports.receipt_store import Move
from whatchat.domain.ports.user_directory import Privacy, UserDirectory
from whatchat.features.receipts.told import Told
from whatchat.features.receipts.traits import Traits


class Disclosure:
    """Decides by each person's settings, and by the blocks between two, as they are now.

    In a direct room nothing is shown while one has blocked the other, and what was hidden
    from somebody is never acknowledged by that person.
    """

    def __init__(
        self, directory: UserDirectory, blocks: Blocks, messages: MessageStore, live: LiveRooms
    ) -> None:
        self._directory = directory
        self._blocks = blocks
        self._messages = messages
        self._live = live

    async def moves(self, told: Sequence[Told], traits: Mapping[RoomId, Traits]) -> Sequence[Move]:
        """What to write down for each. Raises ``Unavailable``."""
        privacy = await self._directory.privacy({one.user_id for one in told})
        direct = [one for one in told if one.room_id in traits and traits[one.room_id].pair]
        seen = await self._seen(direct, traits) if direct else {}
        return [_move(one, privacy.get(one.user_id), seen.get(one)) for one in told]

    async def _seen(
        self, told: Sequence[Told], traits: Mapping[RoomId, Traits]
    ) -> Mapping[Told, Seq]:
        """How far each has got with what the other one may know to be seen."""
        blocked = await self._blocks.around_all({one.user_id for one in told})
        furthest = await asyncio.gather(
            *(
                _nothing()
                if _is_across(one, traits[one.room_id], blocked)
                else self._furthest_seen(one)
                for one in told
            )
        )
        return dict(zip(told, furthest, strict=True))

    async def _furthest_seen(self, told: Told) -> Seq:
        """The newest message up to there that is not hidden from whoever acknowledges it."""
        upto = max(told.delivered or Seq(0), told.read or Seq(0))
        posts = self._live.posts(told.room_id, after=Seq(upto - 1), upto=upto)
        if posts and (posts[-1].author_id == told.user_id or not posts[-1].hidden):
            return upto
        newest = await self._messages.history(
            told.room_id,
            viewer_id=told.user_id,
            first=Seq(0),
            before=Seq(upto + 1),
            after=None,
            limit=1,
        )
        return newest[0].seq if newest else Seq(0)


async def _nothing() -> Seq:
    return Seq(0)


def _is_across(told: Told, traits: Traits, blocked: Mapping[UserId, Blocked]) -> bool:
    around = blocked.get(told.user_id)
    others: Collection[UserId] = around.across if around else ()
    return traits.other(told.user_id) in others


def _move(told: Told, privacy: Privacy | None, seen: Seq | None) -> Move:
    reads_openly = privacy is not None and privacy.read_receipts
    return Move(
        room_id=told.room_id,
        user_id=told.user_id,
        device_id=told.device_id,
        delivered_seq=told.delivered,
        read_seq=told.read,
        shown_delivered_seq=_shown(max(told.delivered or Seq(0), told.read or Seq(0)), seen),
        shown_read_seq=_shown(told.read, seen) if reads_openly else None,
    )


def _shown(seq: Seq | None, seen: Seq | None) -> Seq | None:
    return seq if seq is None or seen is None else min(seq, seen)
