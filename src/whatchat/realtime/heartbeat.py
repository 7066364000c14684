"""Whether a client is still there: the server pings, the client answers."""

from collections.abc import Callable

from whatchat.realtime.deadlines import Deadline, Deadlines


class Heartbeat:
    """Calls ``ping`` a while after each sign of life, and ``lost`` if none follows.

    While ``paused`` says that the client is not being read, its deadline stands still: the
    sign of life may be among what is not read. Times are in seconds.
    """

    def __init__(
        self,
        deadlines: Deadlines,
        *,
        interval: float,
        timeout: float,
        ping: Callable[[], None],
        lost: Callable[[], None],
        paused: Callable[[], bool],
    ) -> None:
        self._deadlines = deadlines
        self._interval = interval
        self._timeout = timeout
        self._ping = ping
        self._lost = lost
        self._paused = paused
        self._next: Deadline | None = None
        self._stopped = False

    def beat(self) -> None:
        """There was a sign of life."""
        self._set(self._interval, self._ask)

    def stop(self) -> None:
        """Ask no more."""
        self._stopped = True
        if self._next is not None:
            self._next.cancel()

    def _ask(self) -> None:
        self._ping()
        self._set(self._timeout, self._check)

    def _check(self) -> None:
        if self._paused():
            self._set(self._timeout, self._check)
        else:
            self._lost()

    def _set(self, seconds: float, callback: Callable[[], None]) -> None:
        if self._next is not None:
            self._next.cancel()
        if not self._stopped:
            self._next = self._deadlines.after(seconds, callback)
