"""The requests of clients that poll, as an ASGI application."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final

import structlog

from whatchat.realtime.engine import Engine, query_of
from whatchat.realtime.frame import Frame
from whatchat.realtime.link import TOO_LARGE, Scope
from whatchat.realtime.polling import Overlap, Polling, payload
from whatchat.realtime.refusals import (
    BAD_METHOD,
    BAD_REQUEST,
    PAYLOAD_TOO_LARGE,
    SESSION_UNKNOWN,
    Refusal,
)
from whatchat.realtime.session import Session
from whatchat.realtime.tasks import Tasks

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

log = structlog.get_logger()

_TEXT: Final = b"text/plain; charset=UTF-8"
_JSON: Final = b"application/json"


class _Vanished(Exception):
    """The client went away before its request was read."""


class _TooLarge(Exception):
    """A body is larger than a packet may be."""


class PollingApplication:
    """Serves every path that it is given."""

    def __init__(self, engine: Engine, tasks: Tasks) -> None:
        self._engine = engine
        self._tasks = tasks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._engine.refusal(scope, "polling")
        if refusal is not None:
            await self._turn_away(send, refusal)
            return
        sid = query_of(scope).get("sid")
        if sid is None:
            await self._open(scope, send)
            return
        session = self._engine.sessions[sid]
        self._engine.heartbeat.look_at(session)
        if session.closed:
            await refuse(send, SESSION_UNKNOWN)
        elif not isinstance(session.carrier, Polling):
            await refuse(send, BAD_REQUEST)
        elif scope["method"] == "GET":
            await self._get(session, session.carrier, receive, send)
        elif scope["method"] == "POST":
            await self._post(session, session.carrier, scope, receive, send)
        else:
            await refuse(send, BAD_METHOD)

    async def _open(self, scope: Scope, send: Send) -> None:
        if scope["method"] != "GET":
            await self._turn_away(send, BAD_METHOD)
            return
        polling = Polling()
        self._engine.open(scope, polling)
        await _answer_frames(send, polling.take())

    async def _turn_away(self, send: Send, refusal: Refusal) -> None:
        log.info("handshake refused", status=refusal.status)
        self._engine.turned_away(refusal)
        await refuse(send, refusal)

    async def _get(self, session: Session, polling: Polling, receive: Receive, send: Send) -> None:
        watcher = self._tasks.spawn(self._watch(session, polling, receive), name="poll")
        try:
            frames = await polling.get()
        except Overlap:
            await refuse(send, BAD_REQUEST)
        else:
            await _answer_frames(send, frames)
        finally:
            watcher.cancel()

    async def _post(
        self, session: Session, polling: Polling, scope: Scope, receive: Receive, send: Send
    ) -> None:
        try:
            await polling.post(partial(_body, scope, receive, self._engine.max_payload))
        except _Vanished:
            _cut_off(session, polling)
        except _TooLarge:
            session.dismiss(TOO_LARGE)
            await refuse(send, PAYLOAD_TOO_LARGE)
        except Overlap:
            await refuse(send, BAD_REQUEST)
        else:
            if polling.is_dismissed:
                await refuse(send, BAD_REQUEST)
            else:
                await _answer(send, 200, b"ok", _TEXT)

    async def _watch(self, session: Session, polling: Polling, receive: Receive) -> None:
        """End the session of a client that hangs up while it waits."""
        while (await receive())["type"] != "http.disconnect":
            pass
        _cut_off(session, polling)


def _cut_off(session: Session, polling: Polling) -> None:
    """A request broke off: what it was to bring or to take is lost, and the session with it."""
    if session.carrier is polling and not session.closed:
        polling.leave()
        session.end("transport error")


async def _body(scope: Scope, receive: Receive, most: int) -> bytes:
    length = dict(scope["headers"]).get(b"content-length", b"0")
    if not length.isdigit() or int(length) > most:
        raise _TooLarge
    chunks, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Vanished
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > most:
            raise _TooLarge
        if not message.get("more_body"):
            return b"".join(chunks)


async def refuse(send: Send, refusal: Refusal) -> None:
    """Answer a request that is not served."""
    await _answer(send, refusal.status, refusal.body(), _JSON, refusal.headers())


async def _answer_frames(send: Send, frames: list[Frame]) -> None:
    await _answer(send, 200, payload(frames), _TEXT)


async def _answer(
    send: Send,
    status: int,
    body: bytes,
    content_type: bytes,
    more: Sequence[tuple[bytes, bytes]] = (),
) -> None:
    headers = [
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *more,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
