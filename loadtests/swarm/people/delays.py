"""What is due a while after it was asked for, always the same while; so a queue is enough."""

from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Final

from loadtests.swarm.network.session import Session
from loadtests.swarm.timings import Timings

_US: Final = 1_000_000


class Deadlines:
    """Commands that must have an ack within ``seconds``; whose connection is dropped otherwise."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._queue: deque[tuple[float, Session, int]] = deque()

    def expect(self, session: Session, number: int) -> None:
        """Have a command of that number watched."""
        self._queue.append((monotonic() + self._seconds, session, number))

    def enforce(self, timings: Timings) -> None:
        """Drop who has waited in vain, and tell of each command that had no ack.

        What lost its connection before has no deadline any more.
        """
        reason = f"no ack within {self._seconds:.0f} s"
        overdue = self._overdue()
        for session, number in overdue:
            event = session.unanswered[number].event
            timings.failed("ack", event, int(self._seconds * _US), reason)
        for session, _ in overdue:
            session.drop(reason)

    def _overdue(self) -> list[tuple[Session, int]]:
        now, found = monotonic(), []
        while self._queue and self._queue[0][0] <= now:
            _, session, number = self._queue.popleft()
            if session.is_open and number in session.unanswered:
                found.append((session, number))
        return found


class Delays:
    """Actions, each to be done ``seconds`` after it was added."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._queue: deque[tuple[float, Callable[[], None]]] = deque()

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, action: Callable[[], None]) -> None:
        """Have it done later."""
        self._queue.append((monotonic() + self._seconds, action))

    def run(self) -> None:
        """Do what is due."""
        now = monotonic()
        while self._queue and self._queue[0][0] <= now:
            self._queue.popleft()[1]()
