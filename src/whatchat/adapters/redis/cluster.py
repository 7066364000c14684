"""Redis Cluster: many masters, each with its share of the slots."""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import structlog
from hiredis import ReplyError

from whatchat.adapters.redis.dialing import Access, dial, problem
from whatchat.adapters.redis.link import Command, Reply
from whatchat.adapters.redis.refusal import Refused
from whatchat.adapters.redis.server import Server
from whatchat.adapters.redis.servers import Request, checked, start_some
from whatchat.adapters.redis.slots import owners, slot_of
from whatchat.adapters.redis.url import Address
from whatchat.domain.errors import Unavailable
from whatchat.domain.tasks import ended
from whatchat.observability.metrics import Metrics

log = structlog.get_logger()

REDIRECTS: Final = 3
REFRESH_SECONDS: Final = 5.0
MIN_REFRESH_SECONDS: Final = 0.2


class Cluster:
    """Implements ``Servers``.

    The map of slots is read anew whenever a server sends a command elsewhere or does not
    answer, and every few seconds.
    """

    sharded = True

    def __init__(self, seeds: Sequence[Address], access: Access, metrics: Metrics) -> None:
        self._seeds = seeds
        self._access = access
        self._metrics = metrics
        self._servers: dict[Address, Server] = {}
        self._owners: Mapping[int, Address] = {}
        self._doubtful = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._owners = await self._read_map()
        for address in sorted(set(self._owners.values())):
            self._servers[address] = self._server(address)
        await start_some(self._servers.values())
        self.start_soon()

    def start_soon(self) -> None:
        self._task = asyncio.create_task(self._keep_map(), name="redis-cluster-map")

    async def close(self) -> None:
        if self._task is not None:
            await ended(self._task)
            self._task = None
        for server in self._servers.values():
            await server.close()
        self._servers.clear()

    async def run(self, requests: Sequence[Request]) -> list[Reply]:
        shares: dict[Server, list[int]] = defaultdict(list)
        for index, request in enumerate(requests):
            shares[self._known(self.master_of(request.key))].append(index)
        replies: list[Reply] = [None] * len(requests)
        answers = await asyncio.gather(
            *(
                self._ask(server, [requests[index].command for index in share])
                for server, share in shares.items()
            )
        )
        for share, answer in zip(shares.values(), answers, strict=True):
            for index, reply in zip(share, answer, strict=True):
                replies[index] = await self._redirected(requests[index], reply)
        return checked(replies)

    def masters(self) -> Sequence[Server]:
        return tuple(self._servers.values())

    def master_of(self, key: bytes) -> Server | None:
        address = self._owners.get(slot_of(key))
        return self._servers.get(address) if address else None

    def doubt(self) -> None:
        self._doubtful.set()

    def when_changed(self, notify: Callable[[], None]) -> None:
        self._listeners.append(notify)

    def _known(self, server: Server | None) -> Server:
        if server is None:
            self._doubtful.set()
            raise Unavailable
        return server

    async def _ask(self, server: Server, commands: Sequence[Command]) -> list[Reply]:
        try:
            return await server.execute(commands)
        except Unavailable:
            self._doubtful.set()
            raise

    async def _redirected(self, request: Request, reply: Reply) -> Reply:
        """The reply of whoever has the key, if the first server asked has it no longer."""
        for _ in range(REDIRECTS):
            if not isinstance(reply, ReplyError):
                return reply
            verb, _, rest = str(reply).partition(" ")
            if verb not in {"MOVED", "ASK"}:
                return reply
            self._doubtful.set()
            server = self._servers.get(_address(rest.split()[1]))
            if server is None:
                return reply
            asking: list[Command] = [("ASKING",)] if verb == "ASK" else []
            reply = (await self._ask(server, [*asking, request.command]))[-1]
        return reply

    def _server(self, address: Address) -> Server:
        async def resolve() -> Address:
            return address

        return Server(resolve, self._access, self._metrics)

    async def _keep_map(self) -> None:
        doubted = False
        while True:
            await asyncio.sleep(MIN_REFRESH_SECONDS)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REFRESH_SECONDS):
                    await self._doubtful.wait()
            doubted |= self._doubtful.is_set()
            self._doubtful.clear()
            try:
                await self._apply(await self._read_map(), doubted=doubted)
                doubted = False
            except Unavailable as error:
                log.warning("the cluster's map cannot be read", reason=error.text)
            except Exception:
                log.exception("the cluster's map cannot be read; trying again")

    async def _read_map(self) -> Mapping[int, Address]:
        for address, server in self._servers.items():
            with contextlib.suppress(Unavailable):
                (answer,) = checked(await server.execute([("CLUSTER", "SLOTS")]))
                return owners(answer, address)
        error = Unavailable("no server was named")
        for address in self._seeds:
            try:
                return await self._read_map_from(address)
            except Unavailable as failed:
                error = failed
        raise error

    async def _read_map_from(self, address: Address) -> Mapping[int, Address]:
        link = await dial(address, self._access, needs_master=False)
        try:
            answer = await link.ask("CLUSTER", "SLOTS")
        except Refused as error:
            raise problem(address, f"refuses: {error.reply}") from None
        finally:
            link.close()
        if not answer:
            raise problem(address, "is in no cluster")
        return owners(answer, address)

    async def _apply(self, found: Mapping[int, Address], *, doubted: bool) -> None:
        if found == self._owners:
            if doubted:  # a slot may have been away and back
                self._notify()
            return
        addresses = set(found.values())
        for address in addresses - self._servers.keys():
            self._servers[address] = server = self._server(address)
            server.start_soon()
        gone = [self._servers.pop(address) for address in self._servers.keys() - addresses]
        self._owners = found
        log.info("the cluster has changed", masters=len(addresses))
        self._notify()
        for server in gone:
            await server.close()

    def _notify(self) -> None:
        for notify in self._listeners:
            notify()


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return host, int(port)
