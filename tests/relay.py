"""A TCP relay between a client and a server."""

import asyncio
import contextlib
from types import TracebackType
from typing import Self


class Relay:
    """Forwards TCP to ``target``; what is derived from it may lose some of it on the way."""

    scheme = "http"

    def __init__(self, target: tuple[str | None, int | None]) -> None:
        self.target = target
        self.is_open = True
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where clients find it."""
        assert self._server is not None
        return f"{self.scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def cut(self) -> None:
        """Break every connection, and refuse new ones for as long as ``is_open`` is false."""
        self.is_open = False
        for writer in list(self._writers):
            writer.transport.abort()

    def passed(self, data: bytes) -> bytes:
        """What reaches the client of what the server says."""
        return data

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._writers.add(writer)
        if not self.is_open:
            writer.transport.abort()
            return
        with contextlib.suppress(OSError):
            there, back = await asyncio.open_connection(*self.target)
            self._writers.add(back)
            await asyncio.gather(
                self._pump(reader, back, is_told=False), self._pump(there, writer, is_told=True)
            )

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_told: bool
    ) -> None:
        try:
            while data := await reader.read(65_536):
                if data := self.passed(data) if is_told else data:
                    writer.write(data)
                    await writer.drain()
        except OSError:
            pass
        finally:
            writer.transport.abort()
            self._writers.discard(writer)
