"""Listening to all servers that have channels of this pod."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from itertools import count
from typing import Any, Final

import structlog

from whatchat.adapters.redis.keys import Keys
from whatchat.adapters.redis.link import Reply
from whatchat.adapters.redis.server import Server
from whatchat.adapters.redis.servers import Request, Servers, start_some
from whatchat.adapters.redis.subscriber import PLAIN, SHARDED, Heard, Subscriber
from whatchat.domain.ids import random_id
from whatchat.domain.tasks import ended
from whatchat.observability.metrics import Metrics

log = structlog.get_logger()

RETRY_SECONDS: Final = 1.0


class Subscriptions:
    """Has each channel subscribed at the server that it belongs to.

    Calls for the same channel must not overlap. ``resumed`` is called each time a server
    is heard again, or a channel has moved to another, and all that is wanted is in force.
    """

    def __init__(
        self,
        servers: Servers,
        keys: Keys,
        heard: Heard,
        resumed: Callable[[], None],
        metrics: Metrics,
    ) -> None:
        self.verbs = SHARDED if servers.sharded else PLAIN
        self._servers = servers
        self._keys = keys
        self._heard = heard
        self._resumed = resumed
        self._metrics = metrics
        self._name = random_id()
        self._wanted: set[bytes] = set()
        self._subscribers: dict[Server, Subscriber] = {}
        self._changed = asyncio.Event()
        self._following: asyncio.Task[None] | None = None
        self._publishing: set[asyncio.Future[list[Reply]]] = set()
        servers.when_changed(self._changed.set)

    def __contains__(self, channel: bytes) -> bool:
        return channel in self._wanted

    @property
    def channels(self) -> int:
        """How many are subscribed, or will be as soon as their servers are there."""
        return len(self._wanted)

    @property
    def deaf(self) -> bool:
        """Whether a server takes what this pod says without this pod hearing it."""
        return any(subscriber.canary.deaf for subscriber in self._subscribers.values())

    @property
    def silence(self) -> float:
        """Seconds since the canary was heard that has been silent longest."""
        ages = (subscriber.canary.age for subscriber in self._subscribers.values())
        return max(ages, default=0.0)

    async def start(self) -> None:
        """Listen. Raises ``Unavailable`` saying why that is not possible, and listens when it is.

        To give up then is to :meth:`close`.
        """
        self._following = asyncio.create_task(self._follow(), name="redis-subscriptions")
        for server in self._servers.masters():
            self._subscribers[server] = self._subscriber(server)
        await start_some(self._subscribers.values())

    async def close(self) -> None:
        """Listen no more."""
        self._wanted.clear()
        if self._following is not None:
            await ended(self._following)
        for subscriber in self._subscribers.values():
            await subscriber.close()

    def publish(self, requests: Sequence[Request]) -> "asyncio.Future[list[Reply]]":
        """What will be the replies, errors among them as values. Raises ``Unavailable``.

        What is published on a channel goes over the link that hears it: the reply and other
        pods' copies arrive together, and wake this one once instead of twice. On a cluster
        channels are many servers'.
        """
        if not self._servers.sharded:
            (subscriber,) = self._subscribers.values()
            return subscriber.submit([request.command for request in requests])
        publishing = asyncio.ensure_future(self._servers.run(requests))
        self._publishing.add(publishing)
        publishing.add_done_callback(self._publishing.discard)
        return publishing

    async def subscribe(self, channels: Collection[bytes]) -> None:
        """Hear these: from the return on, or, where a server is away, once it is back."""
        self._wanted.update(channels)
        shares = self._shared_out(channels)
        await asyncio.gather(*(one.subscribe(share) for one, share in shares.items()))

    async def unsubscribe(self, channels: Collection[bytes]) -> None:
        """Hear these no more, from the call on."""
        self._wanted.difference_update(channels)
        shares = self._shared_out(channels)
        await asyncio.gather(*(one.unsubscribe(share) for one, share in shares.items()))

    def _shared_out(self, channels: Collection[bytes]) -> Mapping[Subscriber, Collection[bytes]]:
        """The channels by subscriber, but for those whose server is not known yet."""
        if not self._servers.sharded:
            return dict.fromkeys(self._subscribers.values(), channels)
        shares: dict[Subscriber, set[bytes]] = defaultdict(set)
        for channel in channels:
            server = self._servers.master_of(channel)
            if server is not None and server in self._subscribers:
                shares[self._subscribers[server]].add(channel)
        return shares

    async def _follow(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                moved = await self._share_out_anew()
            except Exception:
                log.exception("channels could not be shared out; trying again")
                self._changed.set()
                await asyncio.sleep(RETRY_SECONDS)
            else:
                if moved:
                    self._resumed()

    async def _share_out_anew(self) -> bool:
        """Have each channel where it belongs; whether any was not."""
        await self._replace_subscribers()
        shares = self._shared_out(self._wanted)
        # All begin in one turn: what comes in while a server is waited for is not undone.
        changes: list[Coroutine[Any, Any, None]] = []
        has_moved = False
        for subscriber in self._subscribers.values():
            share = set(shares.get(subscriber, ()))
            new, gone = share - subscriber.wanted, subscriber.wanted - share
            changes += [subscriber.subscribe(new), subscriber.unsubscribe(gone)]
            has_moved |= bool(new)
        await asyncio.gather(*changes)
        return has_moved

    async def _replace_subscribers(self) -> None:
        """Have one at each server; where the slot of a canary was moved away, a new one."""
        for server, subscriber in list(self._subscribers.items()):
            if self._servers.master_of(subscriber.canary_channel) is not server:
                del self._subscribers[server]
                await subscriber.close()
        for server in self._servers.masters():
            if server not in self._subscribers:
                self._subscribers[server] = subscriber = self._subscriber(server)
                subscriber.start_soon()

    def _subscriber(self, server: Server) -> Subscriber:
        channel = self._canary_channel(server)
        return Subscriber(
            server,
            self.verbs,
            channel,
            self._heard,
            self._resumed,
            self._servers.doubt,
            self._metrics,
        )

    def _canary_channel(self, server: Server) -> bytes:
        """A channel of this pod's own that belongs to the server."""
        channels = (self._keys.canary_channel(self._name, number) for number in count())
        return next(channel for channel in channels if self._servers.master_of(channel) is server)
