"""One master."""

import asyncio
from collections.abc import Sequence
from functools import partial

from msgspec.structs import replace

from whatchat.adapters.redis.connector import Connector
from whatchat.adapters.redis.dialing import Access, Resolve, dial
from whatchat.adapters.redis.link import Command, Link, OnPush, Reply
from whatchat.domain.errors import Unavailable
from whatchat.observability.metrics import Metrics


class Server:
    """Takes commands over one link that it keeps up, and dials further ones."""

    def __init__(self, resolve: Resolve, access: Access, metrics: Metrics) -> None:
        self._resolve = resolve
        self._access = access
        reconnects = metrics.redis_reconnects.labels("commands")
        self._commands = Connector("commands", self.dial, partial(reconnects.inc, 1))

    async def start(self) -> None:
        """Connect. Raises ``Unavailable`` saying why that is not possible."""
        await self._commands.start()

    def start_soon(self) -> None:
        """Connect when possible."""
        self._commands.start_soon()

    async def close(self) -> None:
        """Disconnect."""
        await self._commands.close()

    def give_up(self) -> None:
        """Connect anew: this may be a master no more."""
        self._commands.give_up()

    async def execute(self, commands: Sequence[Command]) -> list[Reply]:
        """The replies, errors among them as values. Raises ``Unavailable``, at once if away."""
        return await self._up().execute(commands)

    def submit(
        self, commands: Sequence[Command], over: Link | None
    ) -> "asyncio.Future[list[Reply]]":
        """The same for who need not wait, ``over`` a link of their own while that is there.

        Raises ``Unavailable`` while commands would: of two links to a server that hangs, theirs
        notices first.
        """
        own = self._up()
        return (own if over is None or over.lost.done() else over).submit(commands)

    def _up(self) -> Link:
        try:
            return self._commands.link
        except Unavailable:
            self._access.times.failed()
            raise

    async def dial(
        self, on_push: OnPush | None = None, *, patience_seconds: float | None = None
    ) -> Link:
        """Another link. Raises ``Unavailable`` saying why there is none."""
        access = self._access
        if patience_seconds is not None:
            access = replace(access, patience_seconds=patience_seconds)
        return await dial(await self._resolve(), access, on_push)
