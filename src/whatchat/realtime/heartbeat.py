"""Whether clients are still there: the server pings, they answer."""

from collections.abc import Callable
from typing import Generic, TypeVar

from whatchat.realtime.wheel import Wheel

K = TypeVar("K")


class Heartbeat(Generic[K]):
    """One for all clients. Times are in seconds.

    ``ping`` is called ``interval`` after each sign of life, and ``lost`` if none follows
    within ``timeout``. While ``paused`` says that a client is not being read, its deadline
    stands still: the sign of life may be among what is not read.
    """

    def __init__(
        self,
        interval: float,
        timeout: float,
        *,
        ping: Callable[[K], None],
        lost: Callable[[K], None],
        paused: Callable[[K], bool],
    ) -> None:
        self._ping = ping
        self._lost = lost
        self._paused = paused
        self._resting: Wheel[K] = Wheel(interval, self._ask)
        self._asked: Wheel[K] = Wheel(timeout, self._check)

    def start(self, client: K) -> None:
        """Begin to ask after a client."""
        self._resting.put(client)

    def answered(self, client: K) -> bool:
        """There was a sign of life; one that nobody asked for counts for nothing, and is false."""
        if not self._asked.drop(client):
            return False
        self._resting.put(client)
        return True

    def stop(self, client: K) -> None:
        """Ask no more."""
        if not self._resting.drop(client):
            self._asked.drop(client)

    def close(self) -> None:
        """Ask nobody any more."""
        self._resting.close()
        self._asked.close()

    def look_at(self, client: K) -> None:
        """Do what is due for a client now, not at the next turn of the wheel."""
        self._resting.look_at(client)
        self._asked.look_at(client)

    def _ask(self, client: K) -> None:
        self._asked.put(client, since=self._resting.expired_at)
        self._ping(client)

    def _check(self, client: K) -> None:
        if self._paused(client):
            self._asked.put(client)
        else:
            self._lost(client)
