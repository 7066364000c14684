"""What the layer above asks of a client's transport, and what it is told in return."""

from collections.abc import Callable, MutableMapping
from typing import Any, NamedTuple, Protocol

from whatchat.realtime.frame import Frame

Scope = MutableMapping[str, Any]
"""The ASGI scope of the request that opened a transport."""


class Closing(NamedTuple):
    """Why the server closes: the WebSocket close code, and whether to reconnect and resume."""

    code: int
    resume: bool


class Transport(NamedTuple):
    """How transports behave: heartbeat in milliseconds, the largest packet in bytes."""

    ping_interval_ms: int = 25_000
    ping_timeout_ms: int = 20_000
    max_payload_bytes: int = 65_536


PROTOCOL_ERROR = Closing(1002, resume=False)
INVALID_TEXT = Closing(1007, resume=False)
TOO_LARGE = Closing(1009, resume=False)
INTERNAL_ERROR = Closing(1011, resume=True)
MALFORMED = Closing(4400, resume=False)
UNAUTHENTICATED = Closing(4401, resume=False)
SLOW_CONSUMER = Closing(4408, resume=True)
FLOODING = Closing(4429, resume=True)
DRAINING = Closing(4503, resume=True)


class Link(Protocol):
    """One client's transport. Calls return at once; frames leave in the order of the calls."""

    @property
    def transport(self) -> str:
        """``websocket`` or ``polling``."""
        ...

    @property
    def congested(self) -> bool:
        """Whether what is sent has to wait for the network."""
        ...

    @property
    def buffered(self) -> int:
        """Bytes sent and not yet taken by the network."""
        ...

    @property
    def opened_at(self) -> float:
        """When the client opened it, by the ``monotonic`` clock."""
        ...

    @property
    def round_trip(self) -> float | None:
        """Seconds from the last ping to its answer; ``None`` before the first."""
        ...

    @property
    def write(self) -> Callable[[Frame], None]:
        """Sends; dropped once the link is closing, and it closes if too much is unread."""
        ...

    def shut(self, closing: Closing) -> None:
        """Send what is buffered and close; what has not left within 5 s never will."""
        ...
