"""Listening to one server."""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple

from whatchat.adapters.redis.canary import Canary
from whatchat.adapters.redis.connector import Connector
from whatchat.adapters.redis.link import Command, Link, Reply
from whatchat.adapters.redis.refusal import Refused
from whatchat.adapters.redis.server import Server
from whatchat.domain.batches import batches
from whatchat.domain.errors import Unavailable
from whatchat.observability.metrics import Metrics

BATCH: Final = 1_000
PROBE_SECONDS: Final = 0.5
PATIENCE_SECONDS: Final = 4.0
"""Longer than for commands: subscribing everything again is not done for a short stall."""

Heard = Callable[[bytes], None]


class Verbs(NamedTuple):
    """How channels are spoken of, plain or sharded."""

    subscribe: str
    unsubscribe: str
    publish: str
    message: bytes
    moved: bytes | None
    """What says that a channel is another server's now."""

    one_at_a_time: bool
    """Whether channels of one command would have to share a slot."""


PLAIN: Final = Verbs("SUBSCRIBE", "UNSUBSCRIBE", "PUBLISH", b"message", None, one_at_a_time=False)
SHARDED: Final = Verbs(
    "SSUBSCRIBE", "SUNSUBSCRIBE", "SPUBLISH", b"smessage", b"sunsubscribe", one_at_a_time=True
)


class Subscriber:
    """Keeps one server's channels subscribed over a link of its own.

    Whenever the link was lost, or hears no more, another is opened, everything wanted is
    subscribed there, a thousand channels at a time, and ``resumed`` is called. What comes
    on a channel no longer wanted is dropped. ``doubt`` is called when the server says that
    a channel is not its own.
    """

    def __init__(
        self,
        server: Server,
        verbs: Verbs,
        canary_channel: bytes,
        heard: Heard,
        resumed: Callable[[], None],
        doubt: Callable[[], None],
        metrics: Metrics,
    ) -> None:
        self.wanted: set[bytes] = set()
        self._server = server
        self._verbs = verbs
        self.canary_channel = canary_channel
        self._heard = heard
        self._resumed = resumed
        self._doubt = doubt
        self._metrics = metrics
        self._link: Link | None = None
        self._connector = Connector("subscriptions", self._open, self._count)
        self.canary = Canary(self._sing, self._went_deaf)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Listen. Raises ``Unavailable`` saying why that is not possible."""
        await self._connector.start()
        self._begin()

    def start_soon(self) -> None:
        """Listen when possible."""
        self._connector.start_soon()
        self._begin()

    async def close(self) -> None:
        """Listen no more."""
        self.wanted.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._connector.close()

    async def subscribe(self, channels: Collection[bytes]) -> None:
        """Hear these: from the return on, or, while the server is away, once it is back."""
        self.wanted.update(channels)
        with contextlib.suppress(Unavailable):
            await self._tell(self._verbs.subscribe, channels)

    async def unsubscribe(self, channels: Collection[bytes]) -> None:
        """Hear these no more, from the call on."""
        self.wanted.difference_update(channels)
        with contextlib.suppress(Unavailable):
            await self._tell(self._verbs.unsubscribe, channels)

    def submit(self, commands: Sequence[Command]) -> "asyncio.Future[list[Reply]]":
        """What will be the replies, over the link that listens. Raises ``Unavailable``."""
        return self._server.submit(commands, self._link)

    async def _open(self) -> Link:
        link = await self._server.dial(self._take, patience_seconds=PATIENCE_SECONDS)
        # From here on what is newly wanted is subscribed on this link, beside what follows.
        self._link = link
        try:
            await self._tell(self._verbs.subscribe, [self.canary_channel])
            resuming = bool(self.wanted)
            for batch in batches(tuple(self.wanted), BATCH):
                await self._tell(self._verbs.subscribe, self.wanted.intersection(batch))
        except Refused as error:
            link.close()
            self._doubt()
            raise Unavailable(f"Redis refuses to be listened to: {error.reply}") from None
        except BaseException:
            link.close()
            raise
        if resuming:
            self._resumed()
        return link

    async def _tell(self, verb: str, channels: Iterable[bytes]) -> None:
        """Say it, and wait until the server has taken it in."""
        if self._link is None:
            raise Unavailable
        for batch in batches(tuple(channels), BATCH):
            if self._verbs.one_at_a_time:
                self._link.tell([(verb, channel) for channel in batch])
            else:
                self._link.tell([(verb, *batch)])
            await self._link.ask("PING")

    def _take(self, push: list[Any]) -> None:
        kind = push[0]
        if kind == self._verbs.message:
            if push[1] in self.wanted:
                self._heard(push[2])
            elif push[1] == self.canary_channel:
                self.canary.heard()
        elif kind == self._verbs.moved and (
            push[1] in self.wanted or push[1] == self.canary_channel
        ):
            # Not in force any more, also if the slot comes back before the map is read.
            self.wanted.discard(push[1])
            self._doubt()

    def _begin(self) -> None:
        self._tasks = [
            asyncio.create_task(self.canary.run(), name="redis-canary"),
            asyncio.create_task(self._probe(), name="redis-probe"),
        ]

    async def _sing(self) -> None:
        await self._server.execute([(self._verbs.publish, self.canary_channel, b"")])

    async def _probe(self) -> None:
        """Have a connection given up over which nothing comes, before the pod is deaf."""
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            if self._link is not None:
                with contextlib.suppress(Unavailable):
                    await self._link.ask("PING")

    def _went_deaf(self) -> None:
        self._metrics.broker_deafness.inc()
        # Whoever takes what this pod says may be another server than the one it listens to.
        self._server.give_up()
        if self._link is not None:
            self._link.close()

    def _count(self) -> None:
        self._metrics.redis_reconnects.labels("subscriptions").inc()
