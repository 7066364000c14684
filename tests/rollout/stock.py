"""Stock JavaScript clients that stay, by polling first, and reconnect by themselves."""

import asyncio
import secrets
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple, Self

import msgspec

from tests.chaos.crowd import PASSWORD
from tests.waiting import until
from whatchat.client import auth
from whatchat.client.http import Http

SCRIPT: Final = Path(__file__).parents[1] / "js" / "stays.mjs"
CONNECTED_SECONDS: Final = 20.0
END_SECONDS: Final = 10.0


class Lived(NamedTuple):
    """What one of them told, and when: ``ready``, ``moving``, ``gone`` or ``barred``."""

    ms: int
    client: int
    what: str
    why: str


class StockClients:
    """What the clients live through."""

    def __init__(self, process: Process, count: int) -> None:
        self._process = process
        self._count = count
        self._lived: list[Lived] = []
        self._begin = 0

    @classmethod
    @asynccontextmanager
    async def at(cls, url: str, count: int) -> AsyncIterator[Self]:
        """So many, connected, of one account, until the end."""
        async with Http(url) as http:
            sign_in = await auth.register(http, f"s.{secrets.token_hex(4)}", PASSWORD)
        process = await asyncio.create_subprocess_exec(
            *("node", SCRIPT, url, sign_in.access_token, str(count)), stdin=PIPE, stdout=PIPE
        )
        one = cls(process, count)
        reading = asyncio.create_task(one._read(), name="stock clients")
        try:
            await until(one.are_all_in, seconds=CONNECTED_SECONDS)
            one._begin = len(one._lived)
            yield one
        finally:
            if process.stdin:
                process.stdin.close()
            async with asyncio.timeout(END_SECONDS):
                await reading
                await process.wait()

    def are_all_in(self) -> bool:
        """Whether each has a connection, as far as is known."""
        last = {one.client: one.what for one in self._lived if one.what in {"ready", "gone"}}
        return len(last) == self._count and set(last.values()) == {"ready"}

    def gaps(self) -> list[float]:
        """How long each was without a connection, in seconds, each time."""
        lost: dict[int, int] = {}
        found = []
        for one in self._lived[self._begin :]:
            if one.what == "gone":
                lost[one.client] = one.ms
            elif one.what == "ready" and one.client in lost:
                found.append((one.ms - lost.pop(one.client)) / 1000)
        return found

    def barred(self) -> list[str]:
        """Why attempts to connect came to nothing."""
        lived = self._lived[self._begin :]
        return [f"a stock client: {one.why}" for one in lived if one.what == "barred"]

    async def _read(self) -> None:
        if self._process.stdout is None:
            raise RuntimeError("the clients' output is not read")
        async for line in self._process.stdout:
            self._lived.append(Lived(*msgspec.json.decode(line)))
