"""One Engine.IO session: a client's connection, whatever carries it."""

from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog

from whatchat.realtime.connection import Connection
from whatchat.realtime.frame import Frame, plain_frame
from whatchat.realtime.link import MALFORMED, SLOW_CONSUMER, Closing
from whatchat.realtime.nobody import Nobody

if TYPE_CHECKING:
    from whatchat.realtime.engine import Engine
    from whatchat.realtime.probe import Probe

log = structlog.get_logger()

PING: Final = plain_frame("2")
NOOP: Final = plain_frame("6")
CLOSE: Final = plain_frame("1")


class Carrier(Protocol):
    """What brings a session's packets: a WebSocket, or requests that poll."""

    @property
    def name(self) -> str: ...

    @property
    def congested(self) -> bool:
        """Whether what is written has to wait for the network."""
        ...

    @property
    def buffered(self) -> int:
        """Bytes written and not yet taken by the network."""
        ...

    def carries(self, session: "Session") -> None:
        """Bring the packets to this session."""
        ...

    def write(self, frame: Frame) -> None:
        """Send; to a session that leaves too much unread, tell it of its :meth:`overflow`."""
        ...

    def discard(self) -> None:
        """Forget what waits and can still be forgotten."""
        ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def finish(self, code: int) -> None:
        """Let what waits out, then close; the session is told when that is done."""
        ...

    def leave(self) -> None:
        """The client has said that it goes."""
        ...

    def abort(self) -> None:
        """Be gone at once."""
        ...


class Session:
    """Implements :class:`~whatchat.realtime.link.Link` for one client.

    ``write`` is the carrier's own until the session closes, as deliveries pass here.
    ``closing``: nothing more is written or read; ``closed``: it is gone. ``layer`` is for
    whoever listens to the engine; ``connection`` is the client once it was let in. Times are
    those of ``monotonic``; ``pinged_at`` is 0 while no ping waits for its answer.
    """

    __slots__ = (
        "address",
        "carrier",
        "closed",
        "closing",
        "connection",
        "engine",
        "layer",
        "opened_at",
        "paused",
        "pinged_at",
        "probe",
        "round_trip",
        "sid",
        "write",
    )

    def __init__(self, engine: "Engine", sid: str, carrier: Carrier, address: str) -> None:
        self.engine = engine
        self.sid = sid
        self.carrier: Carrier
        self.write: Callable[[Frame], None]
        self.address = address
        self.connection: Connection | None = None
        self.opened_at = monotonic()
        self.pinged_at = 0.0
        self.round_trip: float | None = None
        self.layer: Any = None
        self.closing = self.closed = self.paused = False
        self.probe: Probe | None = None
        self.carry(carrier)

    # The link.

    @property
    def transport(self) -> str:
        return self.carrier.name

    @property
    def congested(self) -> bool:
        return self.carrier.congested

    @property
    def buffered(self) -> int:
        return self.carrier.buffered

    def shut(self, closing: Closing) -> None:
        if not self.closing:
            self.closing = True
            self.write = _to_nobody
            self.engine.closes(self)
            if self.connection is None:  # of others their leaving is told
                log.info("turned away", code=closing.code)
            self.carrier.finish(closing.code)

    # Its life.

    def carry(self, carrier: Carrier) -> None:
        """Go on with this carrier."""
        self.carrier = carrier
        self.write = carrier.write
        carrier.carries(self)

    def overflow(self) -> None:
        """The client leaves too much unread; what it is still told takes the place of that."""
        self.carrier.discard()
        self.dismiss(SLOW_CONSUMER)

    @property
    def is_probed(self) -> bool:
        """Whether a WebSocket is about to take over from polling."""
        return self.probe is not None and self.probe.is_answered

    def dismiss(self, closing: Closing) -> None:
        """Close, saying why to a client that can be told."""
        if self.connection is not None:
            self.connection.close(closing)
        else:
            self.shut(closing)

    def end(self, reason: str) -> None:
        """It is over."""
        if not self.closed:
            self.closing = self.closed = True
            self.write = _to_nobody
            self.engine.forget(self, reason)
            self.carrier = Nobody(self.carrier.name)

    # What comes in.

    def take(self, packet: str | bytes) -> None:
        """Handle one Engine.IO packet; ``bytes`` is a binary message."""
        if self.closing:
            return
        if isinstance(packet, bytes):
            self.engine.listener.received(self, packet)
            return
        kind = packet[:1]
        if kind == "4":
            self.engine.listener.received(self, packet[1:])
        elif kind == "3":
            self.engine.answered(self)
        elif kind == "1":
            self.carrier.leave()
            self.end("client disconnect")
        else:
            self.dismiss(MALFORMED)

    def pause(self) -> None:
        """Read no more for now."""
        if not (self.paused or self.closing):
            self.paused = True
            self.engine.patience.put(self)
            self.carrier.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self.paused:
            self.paused = False
            self.engine.patience.drop(self)
            self.carrier.resume_reading()


def _to_nobody(_frame: Frame) -> None:
    """Nothing follows the last thing that a client is told."""
