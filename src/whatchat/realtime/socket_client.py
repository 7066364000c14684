"""One client as Socket.IO sees it: a session, its packets in order, its namespaces."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from whatchat.realtime.codec import Assembly, Kind, MalformedPacket, OversizedPacket, Packet, decode
from whatchat.realtime.inbox import Inbox
from whatchat.realtime.link import MALFORMED, TOO_LARGE
from whatchat.realtime.session import Session
from whatchat.realtime.tasks import Tasks

_ACKS: Final = frozenset({Kind.ACK, Kind.BINARY_ACK})

Handle = Callable[["SocketClient", Packet], Awaitable[None]]


class SocketClient:
    """Takes a session's messages; ``sids`` is its id in each namespace that it is in.

    ``is_entering``: its CONNECT is being looked at.
    """

    __slots__ = ("_assembly", "inbox", "is_entering", "session", "sids")

    def __init__(self, session: Session, tasks: Tasks) -> None:
        self.session = session
        self.sids: dict[str, str] = {}
        self.is_entering = False
        self.inbox = Inbox(session, tasks)
        self._assembly: Assembly | None = None

    def take(
        self,
        message: str | bytes,
        handle: Handle,
        acknowledge: Callable[["SocketClient", Packet], None],
    ) -> None:
        """Have what came handled in order; acks, which commands may wait for, at once."""
        try:
            packet = self._packet(message)
        except OversizedPacket:
            self.session.dismiss(TOO_LARGE)
        except MalformedPacket:
            self.session.dismiss(MALFORMED)
        else:
            if packet is None:
                return
            if packet.kind in _ACKS:
                acknowledge(self, packet)
            else:
                self.inbox.put(partial(handle, self, packet))

    def _packet(self, message: str | bytes) -> Packet | None:
        """The packet that is now complete. Raises what is wrong with it."""
        if isinstance(message, bytes) is not (self._assembly is not None):
            raise MalformedPacket("an attachment is missing, or one too many")
        if isinstance(message, bytes):
            packet = self._assembly.add(message) if self._assembly else None
            if packet is not None:
                self._assembly = None
            return packet
        packet = decode(message)
        if not packet.attachments:
            return packet
        self._assembly = Assembly(packet, self.session.engine.max_payload)
        return None
