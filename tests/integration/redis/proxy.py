"""A TCP relay between a pod and Redis that can lose what the server says."""

import asyncio
import contextlib
import re
from types import TracebackType
from typing import Final, Self

MESSAGE: Final = re.compile(rb">3\r\n\$7\r\nmessage\r\n\$\d+\r\n[^\r]*\r\n\$\d+\r\n[^\r]*\r\n")


class Proxy:
    """Relays both ways; while ``muffled``, pub/sub messages of the server get lost."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.muffled = False
        self._target = target
        self._server: asyncio.Server | None = None
        self._relays: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where clients find it."""
        assert self._server is not None
        return f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for relay in tuple(self._relays):
            relay.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(*self._target)
        for source, sink, told in (
            (reader, to_server, False),
            (from_server, writer, True),
        ):
            relay = asyncio.create_task(self._relay(source, sink, told=told))
            self._relays.add(relay)
            relay.add_done_callback(self._relays.discard)

    async def _relay(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, told: bool
    ) -> None:
        try:
            while data := await source.read(65_536):
                sink.write(MESSAGE.sub(b"", data) if told and self.muffled else data)
        except OSError:
            pass
        finally:
            sink.transport.abort()
            with contextlib.suppress(OSError):
                await sink.wait_closed()
