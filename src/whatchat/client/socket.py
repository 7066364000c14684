"""One Socket.IO connection, from CONNECT to its end."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any, Final, TypeVar

import aiohttp
import msgspec
import socketio
from msgspec import Struct
from socketio.exceptions import SocketIOError

from whatchat.client.errors import ConnectionLost, NoAnswer, error_from
from whatchat.client.events import SessionReady, decode_event
from whatchat.client.views import Transports
from whatchat.domain.contract import Event
from whatchat.domain.errors import ChatError, Unavailable

T = TypeVar("T")

READY_SECONDS: Final = 10
ACK_SECONDS: Final = 10
CLOSE_SECONDS: Final = 2
MAX_IN_FLIGHT: Final = 32
"""So many commands await their acks at a time; the server lets 64 queue up."""

_logger: Final = logging.getLogger("whatchat.client.socketio")
_logger.addHandler(logging.NullHandler())  # a lost connection is nothing to print unasked


class Ack(Struct, frozen=True, kw_only=True):
    """What comes back for a command."""

    ok: bool
    data: Any = None
    error: Any = None


class Socket:
    """A connection that is not made again: whoever needs another opens another.

    Events reach ``on_event`` in the order of their coming, before any ack that came later.
    """

    def __init__(self, http: aiohttp.ClientSession, on_event: Callable[[Event], None]) -> None:
        # The library closes a session when it is collected, also one that is others' as well.
        self._http = aiohttp.ClientSession(
            connector=http.connector, connector_owner=False, cookie_jar=http.cookie_jar
        )
        self._sio = socketio.AsyncClient(
            reconnection=False,
            handle_sigint=False,
            http_session=self._http,
            logger=_logger,
            engineio_logger=_logger,
        )
        self._sio.on("*", self._take)
        self._sio.on("connect_error", self._refuse)
        self._on_event = on_event
        self._slots = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting: set[asyncio.Future[Any]] = {self._ready}
        self._ended = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None

    async def open(self, url: str, token: str, transports: Transports) -> None:
        """Connect and return once ``session:ready`` is there.

        Raises what the server refuses with, else ``ConnectionLost`` or ``NoAnswer``.
        """
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self._sio.connect(
                    url, auth={"token": token}, transports=list(transports), wait=False
                )
                self._watcher = asyncio.create_task(self._watch(), name="socket-watcher")
                await self._ready
        except TimeoutError:
            raise NoAnswer from None
        except (SocketIOError, aiohttp.ClientError, OSError) as error:
            raise ConnectionLost(f"no connection to the server: {error}") from error

    async def call(self, event: str, data: object, settle: Callable[[Any], T]) -> T:
        """Send a command and return what ``settle`` makes of its ack's data.

        ``settle`` runs as soon as the ack is there, also when nobody waits for it any more.
        Raises what the server told, ``ConnectionLost`` or ``NoAnswer``.
        """
        async with self._slots:
            if self._ended.is_set():
                raise ConnectionLost
            answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
            self._waiting.add(answer)
            try:
                async with asyncio.timeout(ACK_SECONDS):
                    await self._emit(event, data, lambda ack=None, *_: _settle(answer, ack, settle))
                    return await answer
            except TimeoutError:
                raise NoAnswer from None
            finally:
                self._waiting.discard(answer)

    async def ended(self) -> None:
        """Return once the connection is gone."""
        await self._ended.wait()

    async def close(self) -> None:
        """Close, politely if that takes no longer than ``CLOSE_SECONDS``."""
        # TypeError: engineio awaits a reader that an upgrade cut short never started.
        expected = (TimeoutError, SocketIOError, aiohttp.ClientError, OSError, TypeError)
        with contextlib.suppress(*expected):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._sio.disconnect()
        if self._watcher:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
        await self._http.close()
        self._end()

    async def _emit(self, event: str, data: object, on_ack: Callable[..., None]) -> None:
        try:
            await self._sio.emit(event, msgspec.to_builtins(data), callback=on_ack)
        except SocketIOError as error:
            raise ConnectionLost from error

    async def _watch(self) -> None:
        try:
            await self._sio.eio.wait()
        finally:
            self._end()

    def _end(self) -> None:
        self._ended.set()
        for future in self._waiting:
            if not future.done():
                future.set_exception(ConnectionLost())
        if self._ready.done() and not self._ready.cancelled():
            self._ready.exception()  # nobody may have waited for it

    def _take(self, name: str, data: object = None, *_: object) -> None:
        event = decode_event(name, data)
        if event is None:
            return
        self._on_event(event)
        if isinstance(event, SessionReady) and not self._ready.done():
            self._ready.set_result(None)

    def _refuse(self, data: object = None, *_: object) -> None:
        if self._ready.done():
            return
        told = data.get("data") if isinstance(data, dict) else None
        self._ready.set_exception(error_from(told) if told else ConnectionLost())


def _settle(answer: "asyncio.Future[T]", told: object, settle: Callable[[Any], T]) -> None:
    try:
        result = _result(told, settle)
    except ChatError as error:
        if not answer.done():
            answer.set_exception(error)
    else:
        if not answer.done():
            answer.set_result(result)


def _result(told: object, settle: Callable[[Any], T]) -> T:
    try:
        ack = msgspec.convert(told, Ack)
        if ack.ok:
            return settle(ack.data)
    except msgspec.ValidationError as error:
        raise Unavailable("the server's answer was not understood") from error
    raise error_from(ack.error)
