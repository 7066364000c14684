"""The broker for pods that share a Redis."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic
from typing import Final

import structlog
from msgspec.structs import replace

from whatchat.adapters.redis.envelope import BadEnvelope, Sealer
from whatchat.adapters.redis.keys import Keys
from whatchat.adapters.redis.link import Reply
from whatchat.adapters.redis.servers import Request, Servers, checked
from whatchat.adapters.redis.subscriptions import Subscriptions
from whatchat.domain.audience import Announcement, Audience, InRoom, ToPods
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import RoomId, UserId
from whatchat.domain.ports.broker import Listener
from whatchat.observability.metrics import Metrics

log = structlog.get_logger()

COMPLAINT_SECONDS: Final = 10.0


class RedisBroker:
    """Implements ``Broker`` over a channel per room and per user.

    Only those are heard who have the same ``secret``, the store's.

    What is published reaches this pod's own listeners before :meth:`publish` sends
    anything, also while Redis is away; its own copies are dropped when they come back.
    On a cluster the order of one publish holds for each room and user.
    """

    def __init__(self, servers: Servers, keys: Keys, metrics: Metrics, secret: bytes) -> None:
        self._servers = servers
        self._keys = keys
        self._metrics = metrics
        self._sealer = Sealer(secret)
        self._listeners: list[Listener] = []
        self._resumed: list[Callable[[], None]] = []
        self._subscriptions = Subscriptions(servers, keys, self._open, self._resume, metrics)
        self._next_complaint = 0.0
        self._published = metrics.broker_published.inc
        self._not_taken = metrics.publish_failures.inc
        self._received = metrics.broker_received.inc
        metrics.broker_channels.set_function(lambda: self._subscriptions.channels)
        metrics.broker_canary_age_seconds.set_function(lambda: self._subscriptions.silence)

    async def start(self) -> None:
        """Listen; the servers are started. Raises ``Unavailable`` if that is not possible.

        It then listens as soon as it is, unless it is closed.
        """
        await self._subscriptions.start()

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def when_resumed(self, notify: Callable[[], None]) -> None:
        self._resumed.append(notify)

    async def check_hearing(self) -> None:
        if self._subscriptions.deaf:
            raise Unavailable("this pod does not hear the broker")

    def publish(self, announcements: Sequence[Announcement]) -> "asyncio.Future[None]":
        published: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if not announcements:
            published.set_result(None)
            return published
        self._published(len(announcements))
        try:
            replies = self._subscriptions.publish(self._tell(announcements))
        except Unavailable as error:
            self._not_taken(len(announcements))
            published.set_exception(error)
        else:
            replies.add_done_callback(partial(self._settle, published, len(announcements)))
        return published

    def _settle(
        self,
        published: "asyncio.Future[None]",
        announcements: int,
        replies: "asyncio.Future[list[Reply]]",
    ) -> None:
        """Pass on how it went, if anybody still wants to know."""
        error = _problem(replies)
        if error is not None:
            self._not_taken(announcements)
        if published.done():
            return
        if error is None:
            published.set_result(None)
        else:
            published.set_exception(error)

    def _tell(self, announcements: Sequence[Announcement]) -> list[Request]:
        """Tell this pod's listeners, and make what tells the other pods."""
        verb, seal = self._subscriptions.verbs.publish, self._sealer.seal
        requests = []
        for announcement in announcements:
            channel = self._channel(announcement.audience)
            requests.append(Request(channel, (verb, channel, seal(announcement))))
            if channel in self._subscriptions:
                self._hear(announcement)
        return requests

    async def subscribe_users(self, user_ids: Sequence[UserId]) -> None:
        await self._subscriptions.subscribe(list(map(self._keys.user_channel, user_ids)))

    async def unsubscribe_users(self, user_ids: Sequence[UserId]) -> None:
        await self._subscriptions.unsubscribe(list(map(self._keys.user_channel, user_ids)))

    async def subscribe_rooms(self, room_ids: Sequence[RoomId]) -> None:
        await self._subscriptions.subscribe(list(map(self._keys.room_channel, room_ids)))

    async def unsubscribe_rooms(self, room_ids: Sequence[RoomId]) -> None:
        await self._subscriptions.unsubscribe(list(map(self._keys.room_channel, room_ids)))

    async def subscribe_topic(self, topic: str) -> None:
        await self._subscriptions.subscribe([self._keys.topic_channel(topic)])

    async def close(self) -> None:
        await self._subscriptions.close()

    def _channel(self, audience: Audience) -> bytes:
        if isinstance(audience, InRoom):
            return self._keys.room_channel(audience.room_id)
        if isinstance(audience, ToPods):
            return self._keys.topic_channel(audience.topic)
        return self._keys.user_channel(audience.user_id)

    def _open(self, envelope: bytes) -> None:
        """Take what arrived on a channel that is subscribed."""
        if self._sealer.is_own(envelope):
            return
        try:
            announcement = self._sealer.open(envelope)
        except BadEnvelope as error:
            self._complain(error)
        else:
            self._received()
            self._hear(replace(announcement, remote=True))

    def _hear(self, announcement: Announcement) -> None:
        for listener in self._listeners:
            try:
                listener(announcement)
            except Exception:
                # What one listener gets wrong is no matter of the others or of the publisher.
                log.exception("an announcement was not taken", name=announcement.event)

    def _resume(self) -> None:
        for notify in self._resumed:
            try:
                notify()
            except Exception:
                log.exception("a listener failed on the broker's return")

    def _complain(self, error: BadEnvelope) -> None:
        self._metrics.broker_bad_envelopes.inc()
        if monotonic() >= self._next_complaint:
            self._next_complaint = monotonic() + COMPLAINT_SECONDS
            log.warning("an envelope cannot be read", reason=str(error))


def _problem(replies: "asyncio.Future[list[Reply]]") -> BaseException | None:
    if replies.cancelled():
        return Unavailable()
    error = replies.exception()
    if error is None:
        try:
            checked(replies.result())
        except Unavailable as refusal:
            return refusal
    return error
