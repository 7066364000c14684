"""Networks between the people of a load test and their pod: one lies, one is secret."""

import asyncio
import re
import ssl
from typing import Self

from tests.relay import Relay
from tests.servers.redis_server import TlsFiles

_TEXT = 0x81
_TWO_BYTES = 126
_MESSAGE = re.compile(rb'42\["message:new",(\{"roomId":"[^"]+","rev":\d+),')


class LyingRelay(Relay):
    """Brings one message twice, and in place of another says that there was nothing to hear."""

    def __init__(self, target: tuple[str | None, int | None]) -> None:
        super().__init__(target)
        self.doubled: bytes | None = None
        self.withheld: bytes | None = None

    def passed(self, data: bytes) -> bytes:
        if len(data) < 4 or data[0] != _TEXT or data[1] != _TWO_BYTES:
            return data
        end = 4 + int.from_bytes(data[2:4])
        found = _MESSAGE.match(data, 4)
        if found is None or end > len(data):
            return data
        if self.doubled is None:
            self.doubled = found[1]
            return data[:end] + data
        if self.withheld is None:
            self.withheld = found[1]
            instead = b'42["room:rev",%b}]' % found[1]
            return bytes((_TEXT, len(instead))) + instead + data[end:]
        return data


class SecretRelay(Relay):
    """Speaks TLS with its clients."""

    scheme = "https"

    def __init__(self, target: tuple[str | None, int | None], files: TlsFiles) -> None:
        super().__init__(target)
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(files.certificate, files.key)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", 0, ssl=self._context)
        return self
