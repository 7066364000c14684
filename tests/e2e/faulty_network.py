"""A network between client and node that can be broken on purpose."""

import asyncio
import contextlib
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class FaultyNetwork:
    """Forwards TCP to ``target``; use as a context manager, and ``url`` in the node's place."""

    def __init__(self, target: str) -> None:
        self.reroute(target)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_open = True
        self._is_mute = False
        self._losing: tuple[bytes, asyncio.Event] | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

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

    def reroute(self, target: str) -> None:
        """Take new connections to another node from now on."""
        parts = urlsplit(target)
        self._target = (parts.hostname, parts.port)

    def cut(self) -> None:
        """Break every connection, and refuse new ones until :meth:`mend`."""
        self._is_open = False
        for writer in list(self._writers):
            writer.transport.abort()

    def mute(self) -> None:
        """Lose all that the node says from now on, while it still hears everything."""
        self._is_mute = True

    def lose(self, content: bytes) -> asyncio.Event:
        """Lose the next of what the node says that has ``content`` in it, and no more.

        For a quiet WebSocket, where a packet is a frame; tells when it is lost.
        """
        lost = asyncio.Event()
        self._losing = content, lost
        return lost

    def mend(self) -> None:
        """Work again, for new connections."""
        self._is_open, self._is_mute = True, False

    def _passes(self, data: bytes) -> bool:
        if self._losing and self._losing[0] in data:
            self._losing[1].set()
            self._losing = None
            return False
        return not self._is_mute

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._writers.add(writer)
        if not self._is_open:
            writer.transport.abort()
            return
        with contextlib.suppress(OSError):
            there, back = await asyncio.open_connection(*self._target)
            self._writers.add(back)
            await asyncio.gather(
                self._pump(reader, back, is_faulty=False), self._pump(there, writer, is_faulty=True)
            )

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_faulty: bool
    ) -> None:
        try:
            while data := await reader.read(65_536):
                if not is_faulty or self._passes(data):
                    writer.write(data)
                    await writer.drain()
        except OSError:
            pass
        finally:
            writer.transport.abort()
            self._writers.discard(writer)
