"""One connection to one server."""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias, cast

import structlog
from hiredis import HiredisError, PushNotification, Reader, ReplyError, pack_command

from whatchat.adapters.redis.refusal import Refused
from whatchat.adapters.redis.request_times import RequestTimes
from whatchat.domain.errors import Unavailable

log = structlog.get_logger()

Argument: TypeAlias = bytes | str | int
Command: TypeAlias = tuple[Argument, ...]
Reply: TypeAlias = Any
"""What RESP3 carries: bytes, int, float, bool, ``None``, lists, dicts; errors as ``ReplyError``."""

OnPush: TypeAlias = Callable[[list[Any]], None]

PATIENCE_SECONDS: Final = 2.0
GRACE_SECONDS: Final = 0.1
MAX_UNSENT_BYTES: Final = 16 * 1024 * 1024

_INCOMPLETE: Final = object()
_pack: Final = cast("Callable[[Command], bytes]", pack_command)  # typed for one argument only
_NOT_THE_MASTER: Final = ("READONLY ", "LOADING ", "MASTERDOWN ")


class _Batch(NamedTuple):
    size: int
    replies: list[Reply]
    done: asyncio.Future[list[Reply]]
    asked: float


class Link(asyncio.Protocol):
    """Sends commands, in order, and hands out their replies.

    What one turn of the event loop asks for leaves in one write. A server that keeps a
    command waiting longer than ``patience_seconds`` is given up: the link is lost, and all
    that waits fails with ``Unavailable``, as does everything later. ``lost`` says that
    this has happened, and ``fault`` how the server may be described then. What waits to be
    sent is bounded; beyond that commands fail at once.
    """

    def __init__(
        self,
        times: RequestTimes,
        on_push: OnPush | None = None,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._times = times
        self._on_push = on_push
        self._patience_seconds = patience_seconds
        self._reader = Reader(notEnoughData=_INCOMPLETE)
        self._batches: deque[_Batch] = deque()
        self._unsent: list[bytes] = []
        self._unsent_bytes = 0
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._overdue: _Batch | None = None
        self.lost: asyncio.Future[None] = self._loop.create_future()
        self.fault = "does not answer"
        self.speaks_otherwise = False

    async def execute(self, commands: Sequence[Command]) -> list[Reply]:
        """The replies to ``commands``, errors among them as ``ReplyError`` values."""
        return await self.submit(commands)

    def submit(self, commands: Sequence[Command]) -> "asyncio.Future[list[Reply]]":
        """The same for who need not wait, of one command at least. May raise ``Unavailable``."""
        done: asyncio.Future[list[Reply]] = self._loop.create_future()
        self._send(commands)
        self._times.asked()
        self._batches.append(_Batch(len(commands), [], done, self._loop.time()))
        if self._timer is None:
            self._timer = self._loop.call_later(self._patience_seconds, self._watch)
        return done

    async def ask(self, *command: Argument) -> Reply:
        """The reply to one command. Raises :class:`Refused` if it is an error."""
        reply = (await self.execute([command]))[0]
        if isinstance(reply, ReplyError):
            raise Refused(str(reply))
        return reply

    def tell(self, commands: Sequence[Command]) -> None:
        """Send commands that only push: (un)subscribing."""
        self._send(commands)

    def close(self) -> None:
        """Give the link up."""
        if self._transport is not None:
            self._transport.abort()
        self._lose()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._lose()

    def data_received(self, data: bytes) -> None:
        reader = self._reader
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not _INCOMPLETE:
                if isinstance(reply, PushNotification):
                    self._push(reply)
                else:
                    self._take(reply)
        except HiredisError:
            self.fault = "does not speak as Redis does"
            self.speaks_otherwise = True
            self.close()

    def _push(self, push: list[Any]) -> None:
        if self._on_push is not None:
            self._on_push(push)

    def _take(self, reply: Reply) -> None:
        if not self._batches:
            # An error in answer to what only pushes: the server does not do what it was told.
            log.warning("Redis refused", error=str(reply))
            self.close()
            return
        batch = self._batches[0]
        batch.replies.append(reply)
        if len(batch.replies) == batch.size:
            self._batches.popleft()
            self._times.answered(self._loop.time() - batch.asked)
            if not batch.done.done():
                batch.done.set_result(batch.replies)
        if isinstance(reply, ReplyError):
            self._times.refused(reply)
            if str(reply).startswith(_NOT_THE_MASTER):
                log.warning("Redis is not what it was", error=str(reply))
                self.close()

    def _send(self, commands: Sequence[Command]) -> None:
        if self.lost.done() or self._transport is None:
            self._times.failed()
            raise Unavailable
        if self._unsent_bytes + self._transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self._times.failed()
            raise Unavailable
        if not self._unsent:
            self._loop.call_soon(self._flush)
        packed = [_pack(command) for command in commands]
        self._unsent += packed
        self._unsent_bytes += sum(map(len, packed))

    def _flush(self) -> None:
        unsent, self._unsent, self._unsent_bytes = self._unsent, [], 0
        if self._transport is not None and not self.lost.done():
            self._transport.write(b"".join(unsent))

    def _watch(self) -> None:
        self._timer = None
        if not self._batches or self.lost.done():
            return
        oldest = self._batches[0]
        wait = oldest.asked + self._patience_seconds - self._loop.time()
        if wait <= 0 and self._overdue is oldest:
            log.warning("Redis does not answer", seconds=self._patience_seconds)
            self.close()
            return
        if wait <= 0:
            # This loop may itself have been held up: what has arrived is read first.
            self._overdue, wait = oldest, GRACE_SECONDS
        self._timer = self._loop.call_later(wait, self._watch)

    def _lose(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._batches:
            batch = self._batches.popleft()
            self._times.unanswered()
            if not batch.done.done():
                batch.done.set_exception(Unavailable())
        if not self.lost.done():
            self.lost.set_result(None)


async def open_link(
    host: str,
    port: int,
    tls: ssl.SSLContext | None,
    times: RequestTimes,
    on_push: OnPush | None = None,
    *,
    patience_seconds: float = PATIENCE_SECONDS,
) -> Link:
    """Connect. Raises ``OSError`` or ``TimeoutError``."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(patience_seconds):
        _, link = await loop.create_connection(
            lambda: Link(times, on_push, patience_seconds=patience_seconds),
            host,
            port,
            ssl=tls,
        )
    return link
