"""The broker for pods that share one process."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog
from msgspec.structs import replace

from whatchat.domain.audience import Announcement, InRoom, ToPods
from whatchat.domain.ids import RoomId, UserId
from whatchat.domain.ports.broker import Listener

log = structlog.get_logger()


class InProcessExchange:
    """What the brokers of one process share: everything published reaches each of them."""

    def __init__(self) -> None:
        self._brokers: list[InProcessBroker] = []

    def join(self, broker: "InProcessBroker") -> None:
        """Let a broker hear."""
        self._brokers.append(broker)

    def leave(self, broker: "InProcessBroker") -> None:
        """Let it hear no more; harmless if it does not."""
        if broker in self._brokers:
            self._brokers.remove(broker)

    def carry(self, announcement: Announcement, by: "InProcessBroker | None" = None) -> None:
        """Hand an announcement to every broker; it is not remote to the one that it is ``by``."""
        for broker in tuple(self._brokers):
            broker.hear(announcement if broker is by else replace(announcement, remote=True))


class InProcessBroker:
    """One pod's broker; listeners have heard everything when :meth:`publish` returns.

    ``count`` is told how many announcements it is handed.
    """

    def __init__(
        self, exchange: InProcessExchange, count: Callable[[int], object] = lambda _count: None
    ) -> None:
        self._exchange = exchange
        self._count = count
        self._listeners: list[Listener] = []
        self._users: set[UserId] = set()
        self._rooms: set[RoomId] = set()
        self._topics: set[str] = set()
        exchange.join(self)

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def when_resumed(self, notify: Callable[[], None]) -> None:
        """Nothing to do: hearing is never interrupted."""

    async def check_hearing(self) -> None:
        """Nothing to do: no pod is ever deaf."""

    def publish(self, announcements: Sequence[Announcement]) -> Awaitable[None]:
        self._count(len(announcements))
        for announcement in announcements:
            self._exchange.carry(announcement, by=self)
        published: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        published.set_result(None)
        return published

    async def subscribe_users(self, user_ids: Sequence[UserId]) -> None:
        self._users.update(user_ids)

    async def unsubscribe_users(self, user_ids: Sequence[UserId]) -> None:
        self._users.difference_update(user_ids)

    async def subscribe_rooms(self, room_ids: Sequence[RoomId]) -> None:
        self._rooms.update(room_ids)

    async def unsubscribe_rooms(self, room_ids: Sequence[RoomId]) -> None:
        self._rooms.difference_update(room_ids)

    async def subscribe_topic(self, topic: str) -> None:
        self._topics.add(topic)

    async def close(self) -> None:
        self._exchange.leave(self)

    def hear(self, announcement: Announcement) -> None:
        """Pass on what this pod has subscribed to."""
        if not self._wants(announcement):
            return
        for listener in self._listeners:
            try:
                listener(announcement)
            except Exception:
                # A publisher must not fail for what a listener gets wrong.
                log.exception("an announcement was not taken", name=announcement.event)

    def _wants(self, announcement: Announcement) -> bool:
        audience = announcement.audience
        if isinstance(audience, InRoom):
            return audience.room_id in self._rooms
        if isinstance(audience, ToPods):
            return audience.topic in self._topics
        return audience.user_id in self._users
