"""One master at a time: a fixed server, or whichever the sentinels name."""

from collections.abc import Callable, Sequence

from whatchat.adapters.redis.dialing import Access, Resolve
from whatchat.adapters.redis.link import Reply
from whatchat.adapters.redis.server import Server
from whatchat.adapters.redis.servers import Request, checked
from whatchat.observability.metrics import Metrics


class SingleServer:
    """Implements ``Servers``."""

    sharded = False

    def __init__(self, resolve: Resolve, access: Access, metrics: Metrics) -> None:
        self._server = Server(resolve, access, metrics)

    async def start(self) -> None:
        await self._server.start()

    def start_soon(self) -> None:
        self._server.start_soon()

    async def close(self) -> None:
        await self._server.close()

    async def run(self, requests: Sequence[Request]) -> list[Reply]:
        return checked(await self._server.execute([request.command for request in requests]))

    def masters(self) -> Sequence[Server]:
        return (self._server,)

    def master_of(self, _key: bytes) -> Server:
        return self._server

    def doubt(self) -> None:
        """Nothing to do: it has everything."""

    def when_changed(self, notify: Callable[[], None]) -> None:
        """Nothing to do: it is always this one."""
