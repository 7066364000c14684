"""What carries a session that is over."""

from typing import TYPE_CHECKING

from whatchat.realtime.frame import Frame

if TYPE_CHECKING:
    from whatchat.realtime.session import Session


class Nobody:
    """Implements :class:`~whatchat.realtime.session.Carrier` for a client that is gone.

    It takes the carrier's place, so that both are freed without the garbage collector.
    """

    __slots__ = ("name",)

    congested = False
    buffered = 0

    def __init__(self, name: str) -> None:
        self.name = name

    def carries(self, session: "Session") -> None: ...

    def write(self, frame: Frame) -> None: ...

    def discard(self) -> None: ...

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def finish(self, code: int) -> None: ...

    def leave(self) -> None: ...

    def abort(self) -> None: ...
