"""A WebSocket that is to take over a session from polling."""

from typing import TYPE_CHECKING, Final

from whatchat.realtime.frame import plain_frame
from whatchat.realtime.link import MALFORMED, SLOW_CONSUMER, Closing
from whatchat.realtime.polling import Polling
from whatchat.realtime.session import Carrier, Session

if TYPE_CHECKING:
    from whatchat.realtime.websocket import WebSocketProtocol

_ANSWER: Final = plain_frame("3probe")


class Probe:
    """Takes the WebSocket's packets until it has proved itself.

    What is written meanwhile waits with the polling carrier, and goes out over the
    WebSocket once that has taken over; if it never does, polling goes on.
    """

    __slots__ = ("_session", "_socket", "is_answered")

    def __init__(self, session: Session, socket: "WebSocketProtocol") -> None:
        self._session = session
        self._socket = socket
        self.is_answered = False

    @staticmethod
    def may_begin(session: Session) -> bool:
        """Whether the session polls, and no other WebSocket is about to take over."""
        carrier: Carrier = session.carrier
        return isinstance(carrier, Polling) and session.probe is None and not session.closing

    def take(self, packet: str | bytes) -> None:
        """Handle what the WebSocket brings."""
        if packet == "2probe":
            self.is_answered = True
            self._socket.write(_ANSWER)
            carrier = self._session.carrier
            if isinstance(carrier, Polling):
                carrier.release()
        elif packet == "5" and self.is_answered:
            self._take_over()
        else:
            self.dismiss(MALFORMED)

    def dismiss(self, closing: Closing) -> None:
        """Close the WebSocket; the session stays as it was."""
        self.end("")
        self._socket.finish(closing.code)

    def overflow(self) -> None:
        """It leaves unread the little that it was told."""
        self.dismiss(SLOW_CONSUMER)

    def end(self, _reason: str) -> None:
        """The WebSocket is gone."""
        self._session.engine.probing.drop(self)
        if self._session.probe is self:
            self._session.probe = None

    def _take_over(self) -> None:
        session, socket, polling = self._session, self._socket, self._session.carrier
        self.end("")
        session.carry(socket)
        if session.paused:
            socket.pause_reading()
        if isinstance(polling, Polling):
            for frame in polling.hand_over():
                session.write(frame)
