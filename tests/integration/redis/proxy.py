"""A relay between a pod and Redis that can lose what the server says."""

import re
from collections.abc import Iterator
from typing import Final

from tests.relay import Relay

HEAD: Final = re.compile(rb">3\r\n\$7\r\nmessage\r\n\$\d+\r\n[^\r]*\r\n\$(\d+)\r\n")
"""What comes before a message, and how long that is: it may hold any byte."""


class Proxy(Relay):
    """Relays both ways; while ``muffled``, pub/sub messages of the server get lost."""

    scheme = "redis"

    def __init__(self, target: tuple[str, int]) -> None:
        super().__init__(target)
        self.muffled = False

    def passed(self, data: bytes) -> bytes:
        return b"".join(_beside_messages(data)) if self.muffled else data


def _beside_messages(data: bytes) -> Iterator[bytes]:
    at = 0
    while head := HEAD.search(data, at):
        yield data[at : head.start()]
        at = head.end() + int(head[1]) + len(b"\r\n")
    yield data[at:]
