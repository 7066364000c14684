"""What carries packets between one person and the servers."""

from typing import Protocol


class Listener(Protocol):
    """Whom a link tells; called within gevent's loop, where nothing may wait."""

    def packet(self, data: bytes, start: int, end: int, now_us: int) -> None:
        """Take the packet ``data[start:end]``, read at ``now_us``."""

    def lost(self, reason: str, code: int = 0) -> None:
        """The link is over, without having been closed here; ``code`` is the WebSocket's."""

    def bad_request(self) -> None:
        """A request was answered with 400."""


class Link(Protocol):
    """A way to send packets; making one begins to connect."""

    def send(self, packet: bytes) -> None:
        """Send without waiting; in order."""

    def close(self) -> None:
        """Drop it without a word; nothing is heard of it any more."""
