"""One client as Socket.IO sees it: a session, its packets in order, its namespaces."""

from whatchat.realtime.codec import Assembly, MalformedPacket, Packet, decode
from whatchat.realtime.inbox import Inbox
from whatchat.realtime.session import Session
from whatchat.realtime.workers import Workers


class SocketClient:
    """Puts a session's messages together; ``sids`` is its id in each namespace that it is in.

    ``is_entering``: its CONNECT is being looked at.
    """

    __slots__ = ("_assembly", "inbox", "is_entering", "session", "sids")

    def __init__(self, session: Session, workers: Workers) -> None:
        self.session = session
        self.sids: dict[str, str] = {}
        self.is_entering = False
        self.inbox = Inbox(session, workers)
        self._assembly: Assembly | None = None

    def packet(self, message: str | bytes) -> Packet | None:
        """The packet that is complete with this message.

        Raises :class:`MalformedPacket` and :class:`OversizedPacket`.
        """
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
