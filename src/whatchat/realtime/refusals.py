"""How Engine.IO says no to an HTTP request, a WebSocket handshake included."""

from typing import Final, NamedTuple

import msgspec

FORGETTING: Final = ("Path=/; Max-Age=0", "Path=/; Max-Age=0; Secure; SameSite=None")
"""How a cookie is forgotten: for pages of another site browsers heed the second alone, and that
over HTTPS alone."""


class Refusal(NamedTuple):
    """An HTTP status, and why: the reference server's number for it, and a text.

    ``retry_after`` is in seconds, and told unless it is 0; ``forget`` names a cookie that is
    to be forgotten. ``reason`` is what it is counted as, where that is not its status.
    """

    status: int
    code: int
    message: str
    retry_after: int = 0
    forget: str = ""
    reason: str = ""

    def headers(self) -> list[tuple[bytes, bytes]]:
        """What the answer has beside its body."""
        found = []
        if self.retry_after:
            found.append((b"retry-after", str(self.retry_after).encode()))
        if self.forget:
            found += [(b"set-cookie", f"{self.forget}=; {how}".encode()) for how in FORGETTING]
        return found

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
ELSEWHERE: Final = Refusal(503, 3, "Just sent elsewhere", retry_after=1, reason="moved")
PAYLOAD_TOO_LARGE: Final = Refusal(413, 3, "Payload too large")
