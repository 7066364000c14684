"""What goes over the wire: WebSocket frames with Socket.IO packets in them."""

from typing import Final

TEXT: Final = 0x81
CLOSE: Final = 0x88
PING: Final = 0x89
PONG: Final = 0x8A

_MASKED: Final = 0x80
_NO_MASK: Final = bytes(4)

EPOCH_US: Final = 10**15
"""Added to the times that messages carry, in microseconds, so that all are equally wide."""

AT_DIGITS: Final = 16

HEARD: Final = b'42["message:new",{"at":'
ACKED: Final = b"43"
READY: Final = b'42["session:ready"'
OPENED: Final = b"0{"
CONNECTED: Final = b"40"
REFUSED: Final = b"44"
BEAT: Final = b"2"

_SAID: Final = b'420["message:send",{"at":%d,"text":"hello, all of you"}]'


def masked(payload: bytes, opcode: int = TEXT) -> bytes:
    """A client's frame. Its masking key is 0, so that masking costs the load nothing.

    The server unmasks it like any other.
    """
    return _head(opcode, len(payload)) + payload


def say(at: int) -> bytes:
    """A message to the sender's room, with the time in microseconds at which it is due."""
    return _SAID_HEAD + _SAID % at


def upgrade_request(port: int) -> bytes:
    """The request that opens a WebSocket for Socket.IO."""
    return (
        b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
        b"Host: 127.0.0.1:%d\r\n"
        b"Upgrade: websocket\r\n"
        b"Connection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"Sec-WebSocket-Version: 13\r\n\r\n"
    ) % port


def _head(opcode: int, size: int) -> bytes:
    if size < 126:
        return bytes((opcode, _MASKED | size)) + _NO_MASK
    return bytes((opcode, _MASKED | 126)) + size.to_bytes(2) + _NO_MASK


BEAT_ANSWER: Final = masked(b"3")
_SAID_HEAD: Final = _head(TEXT, len(_SAID % EPOCH_US))
