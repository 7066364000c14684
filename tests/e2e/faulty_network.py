"""A network between client and node that can be broken on purpose."""

import asyncio
from urllib.parse import urlsplit

from tests.relay import Relay


class FaultyNetwork(Relay):
    """Forwards TCP to ``target``; use as a context manager, and ``url`` in the node's place."""

    def __init__(self, target: str) -> None:
        super().__init__(_address(target))
        self._is_mute = False
        self._losing: tuple[bytes, asyncio.Event] | None = None

    def reroute(self, target: str) -> None:
        """Take new connections to another node from now on."""
        self.target = _address(target)

    def mute(self) -> None:
        """Lose all that the node says from now on, while it still hears everything."""
        self._is_mute = True

    def lose(self, content: bytes) -> asyncio.Event:
        """Lose the next of what the node says that has ``content`` in it, and no more.

        For a quiet WebSocket, where a packet is a frame; tells when it is lost.
        """
        lost = asyncio.Event()
        self._losing = content, lost
        return lost

    def mend(self) -> None:
        """Work again, for new connections."""
        self.is_open, self._is_mute = True, False

    def passed(self, data: bytes) -> bytes:
        if self._losing and self._losing[0] in data:
            self._losing[1].set()
            self._losing = None
            return b""
        return b"" if self._is_mute else data


def _address(target: str) -> tuple[str | None, int | None]:
    parts = urlsplit(target)
    return parts.hostname, parts.port
