"""The opening handshake of a WebSocket (RFC 6455, section 4.2)."""

import asyncio
import binascii
from base64 import b64decode, b64encode
from hashlib import sha1
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import structlog

from whatchat.realtime.link import Scope
from whatchat.realtime.refusals import BAD_REQUEST, NOT_FOUND, OLD_WEBSOCKET, Refusal

if TYPE_CHECKING:
    from whatchat.realtime.engine import Engine
    from whatchat.realtime.websocket import WebSocketProtocol

log = structlog.get_logger()

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY_BYTES: Final = 16
_VERSION: Final = b"13"

_SWITCH: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
)


def answer(
    engine: "Engine", socket: "WebSocketProtocol", request: bytes, transport: asyncio.Transport
) -> bytes | None:
    """Let the engine take over the socket, or say in HTTP why not.

    ``request`` is a head that an HTTP parser has found well-formed. Extensions and
    subprotocols are offered in vain.
    """
    scope = _scope(request, transport)
    headers = dict(scope["headers"])
    if scope["path"] not in engine.paths:
        return _refused(engine, NOT_FOUND)
    if refusal := engine.refusal(scope, "websocket"):
        return _refused(engine, refusal)
    if headers.get(b"sec-websocket-version") != _VERSION:
        return _refused(engine, OLD_WEBSOCKET, b"Sec-WebSocket-Version: 13\r\n")
    key = headers.get(b"sec-websocket-key", b"")
    if scope["method"] != "GET" or not _is_key(key):
        return _refused(engine, BAD_REQUEST)
    accept = b64encode(sha1(key + _GUID, usedforsecurity=False).digest())
    socket.append(b"".join((_SWITCH, accept, b"\r\n\r\n")))
    engine.connect(scope, socket)
    return None


def _scope(request: bytes, transport: asyncio.Transport) -> Scope:
    head, *lines = request.partition(b"\r\n\r\n")[0].split(b"\r\n")
    method, target, _ = head.split(b" ", 2)
    path, _, query = target.partition(b"?")
    return {
        "type": "websocket",
        "method": method.decode("latin-1"),
        "path": path.decode("latin-1"),
        "query_string": query,
        "headers": [(name, value) for name, _, value in (line.partition(b": ") for line in lines)],
        "client": transport.get_extra_info("peername"),
        "scheme": "wss" if transport.get_extra_info("sslcontext") else "ws",
    }


def _is_key(key: bytes) -> bool:
    try:
        return len(b64decode(key, validate=True)) == _KEY_BYTES
    except binascii.Error:
        return False


def _refused(engine: "Engine", refusal: Refusal, headers: bytes = b"") -> bytes:
    log.info("handshake refused", status=refusal.status)
    engine.turned_away(refusal)
    status, body = HTTPStatus(refusal.status), refusal.body()
    for name, value in refusal.headers():
        headers += b"%s: %s\r\n" % (name.title(), value)
    return (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\nConnection: close\r\n"
    ).encode() + b"".join((headers, b"\r\n", body))
