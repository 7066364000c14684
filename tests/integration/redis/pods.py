"""Pods that are nothing but a broker, and what they hear."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from tests.servers.redis_parts import fresh_keys, listening
from whatchat.adapters.redis.broker import RedisBroker
from whatchat.domain.audience import Announcement, InRoom, ToUser
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import RoomId, UserId
from whatchat.observability.metrics import Metrics

ROOM, OTHER_ROOM = RoomId("room"), RoomId("other")
ADA = UserId("ada")


@dataclass
class Pod:
    """A broker, the revs that its listener has heard, and how often it was resumed."""

    broker: RedisBroker
    metrics: Metrics
    heard: list[int] = field(default_factory=list)
    resumed: int = 0

    def __post_init__(self) -> None:
        self.broker.listen(lambda announcement: self.heard.append(announcement.rev))
        self.broker.when_resumed(self._resume)

    async def hears(self) -> bool:
        """Whether the broker finds this pod's hearing well."""
        try:
            await self.broker.check_hearing()
        except Unavailable:
            return False
        return True

    def counted(self, name: str, **labels: str) -> float:
        """A metric's value."""
        return self.metrics.registry.get_sample_value(name, labels) or 0.0

    def _resume(self) -> None:
        self.resumed += 1


class Pods:
    """Opens pods that share names."""

    def __init__(self, opened: AsyncExitStack) -> None:
        self.keys = fresh_keys()
        self._opened = opened

    async def open(self, url: str) -> Pod:
        """One more pod."""
        metrics = Metrics()
        broker = await self._opened.enter_async_context(listening(url, self.keys, metrics))
        return Pod(broker, metrics)

    async def close(self) -> None:
        """Close them all."""
        await self._opened.aclose()


def in_room(rev: int, room_id: RoomId = ROOM) -> Announcement:
    """Something for a room."""
    audience = InRoom(room_id=room_id)
    return Announcement(
        audience=audience, event="message:new", payload=b"{}", room_id=room_id, rev=rev
    )


def to_ada(rev: int) -> Announcement:
    """Something for one user."""
    return Announcement(audience=ToUser(user_id=ADA), event="receipt:read", payload=b"{}", rev=rev)
