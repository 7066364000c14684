"""What was gathered is told, also when the pod stops in the middle of it."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

from tests.unit.realtime.parts import actor
from whatchat.domain.audience import Announcement
from whatchat.domain.ids import RoomId, Seq, UserId
from whatchat.domain.ports.broker import Broker
from whatchat.domain.ports.live_rooms import LiveRooms
from whatchat.domain.ports.receipt_store import Cursors, Moved, ReceiptStore
from whatchat.features.receipts.telling import Telling
from whatchat.features.receipts.told import Told
from whatchat.features.receipts.traits import Traits

ROOM = RoomId("room")


class SlowStore:
    """Stands in for everything around: takes its time, and notes what is published."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.published: list[Announcement] = []

    def posts(self, *_: Any, **__: Any) -> None:
        """Not known here."""

    async def authors(self, *_: Any, **__: Any) -> Mapping[UserId, Seq]:
        self.asked.set()
        await asyncio.sleep(0.1)
        return {UserId("bob"): Seq(2)}

    async def publish(self, announcements: Sequence[Announcement]) -> None:
        self.published += announcements


async def test_stopping_loses_nothing_that_was_gathered() -> None:
    store = SlowStore()
    telling = Telling(cast("ReceiptStore", store), cast("LiveRooms", store), cast("Broker", store))
    told = Told(ROOM, actor("ada"))
    told.add(None, Seq(2), is_read=True)
    seq = Seq(2)
    after = Cursors(delivered_seq=seq, read_seq=seq, shown_delivered_seq=seq, shown_read_seq=seq)
    telling.note(told, Moved(before=Cursors(), after=after), Traits(people=2))
    await store.asked.wait()
    await telling.stop()
    ((part,),) = [one.parts for one in store.published]
    assert (part.event, part.among) == ("receipt:read", ("bob", "ada"))
