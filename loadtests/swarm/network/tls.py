"""A wire that nobody else can read."""

import ssl

from loadtests.swarm.network.address import Address
from loadtests.swarm.network.wire import READ_BYTES, Owner, Wire


class SecretWire:
    """TLS over a :class:`Wire`, with that one's methods; for each between it and its owner."""

    __slots__ = ("_arrived", "_leaving", "_owner", "_tls", "_unsent", "_wire")

    def __init__(self, context: ssl.SSLContext, address: Address, owner: Owner) -> None:
        self._owner = owner
        self._arrived, self._leaving = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._arrived, self._leaving, server_hostname=address.name)
        self._unsent: bytes | None = b""
        """What waits for the handshake; ``None`` after it."""
        self._wire = Wire(address, self)
        self._shake_hands()

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self._wire.is_open

    def write(self, data: bytes) -> None:
        """As :meth:`Wire.write`."""
        if self._unsent is not None:
            self._unsent += data
        else:
            self._tls.write(data)
            self._wire.write(self._leaving.read())

    def close(self) -> None:
        """As :meth:`Wire.close`."""
        self._wire.close()

    def received(self, data: bytes) -> None:
        """Take what has arrived on the wire."""
        self._arrived.write(data)
        try:
            if self._unsent is None or self._shake_hands():
                self._read()
        except ssl.SSLError as error:
            self._wire.close()
            self._owner.broken(f"TLS: {error.reason}")

    def broken(self, reason: str) -> None:
        """The wire is over."""
        self._owner.broken(reason)

    def _shake_hands(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        finally:
            if waiting := self._leaving.read():
                self._wire.write(waiting)
        unsent, self._unsent = self._unsent, None
        if unsent:
            self.write(unsent)
        return True

    def _read(self) -> None:
        while self._wire.is_open:
            try:
                data = self._tls.read(READ_BYTES)
            except ssl.SSLWantReadError:
                return
            if not data:
                self._wire.close()
                self._owner.broken("closed by the server")
                return
            self._owner.received(data)


def opened(address: Address, owner: Owner) -> Wire | SecretWire:
    """A connection to that address, of the kind that its URL asks for."""
    if address.tls is None:
        return Wire(address, owner)
    return SecretWire(address.tls, address, owner)
