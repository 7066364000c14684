"""How Engine.IO says no to an HTTP request, a WebSocket handshake included."""

from typing import Final, NamedTuple

import msgspec


class Refusal(NamedTuple):
    """An HTTP status, and why: the reference server's number for it, and a text.

    ``retry_after`` is in seconds, and told unless it is 0.
    """

    status: int
    code: int
    message: str
    retry_after: int = 0

    def body(self) -> bytes:
        """``{"code", "message"}``, as the reference server answers."""
        return msgspec.json.encode({"code": self.code, "message": self.message})


TRANSPORT_UNKNOWN: Final = Refusal(400, 0, "Transport unknown")
SESSION_UNKNOWN: Final = Refusal(400, 1, "Session ID unknown")
BAD_METHOD: Final = Refusal(400, 2, "Bad handshake method")
BAD_REQUEST: Final = Refusal(400, 3, "Bad request")
FORBIDDEN: Final = Refusal(403, 4, "Forbidden")
UNSUPPORTED_VERSION: Final = Refusal(400, 5, "Unsupported protocol version")
NOT_FOUND: Final = Refusal(404, 3, "Not found")
OLD_WEBSOCKET: Final = Refusal(426, 5, "Unsupported WebSocket version")
TOO_MANY: Final = Refusal(429, 3, "Too many connections", retry_after=5)
NOT_NOW: Final = Refusal(503, 3, "Not accepting connections")
PAYLOAD_TOO_LARGE: Final = Refusal(413, 3, "Payload too large")
