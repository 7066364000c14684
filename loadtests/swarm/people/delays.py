"""What is due a while after it was asked for, always the same while; so a queue is enough."""

from collections import deque
from collections.abc import Callable
from time import monotonic

from loadtests.swarm.network.session import Session


class Deadlines:
    """Commands that must have an ack within ``seconds``; whose connection is dropped otherwise."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._queue: deque[tuple[float, Session, int]] = deque()

    def expect(self, session: Session, number: int) -> None:
        """Have a command of that number watched."""
        self._queue.append((monotonic() + self._seconds, session, number))

    def enforce(self) -> None:
        """Drop who has waited in vain."""
        now = monotonic()
        while self._queue and self._queue[0][0] <= now:
            _, session, number = self._queue.popleft()
            if number in session.unanswered:
                session.drop(f"no ack within {self._seconds:.0f} s")


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
