"""A relay between a pod and Redis that can lose what the server says."""

import re
from typing import Final

from tests.relay import Relay

MESSAGE: Final = re.compile(rb">3\r\n\$7\r\nmessage\r\n\$\d+\r\n[^\r]*\r\n\$\d+\r\n[^\r]*\r\n")


class Proxy(Relay):
    """Relays both ways; while ``muffled``, pub/sub messages of the server get lost."""

    scheme = "redis"

    def __init__(self, target: tuple[str, int]) -> None:
        super().__init__(target)
        self.muffled = False

    def passed(self, data: bytes) -> bytes:
        return MESSAGE.sub(b"", data) if self.muffled else data
