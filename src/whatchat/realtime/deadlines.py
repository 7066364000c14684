"""All timers of the realtime layer, in one heap behind one timer of the loop."""

import asyncio
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count
from math import inf

COMPACT_ABOVE = 64


class Deadline:
    """A call to come; once cancelled it never comes."""

    __slots__ = ("_owner", "callback")

    def __init__(self, owner: "Deadlines", callback: Callable[[], object]) -> None:
        self._owner = owner
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        """Call it off; harmless if it has passed."""
        if self.callback is not None:
            self.callback = None
            self._owner.forget_one()


class Deadlines:
    """Calls back after a time, in order; a socket's timers cost it no task."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Deadline]] = []
        self._ties = count()
        self._cancelled = 0
        self._timer: asyncio.Handle | None = None
        self._armed_for = inf
        self._closed = False

    def after(self, seconds: float, callback: Callable[[], object]) -> Deadline:
        """Call ``callback`` on the loop in ``seconds``."""
        loop = asyncio.get_running_loop()
        deadline = Deadline(self, callback)
        when = loop.time() + seconds
        heappush(self._heap, (when, next(self._ties), deadline))
        if when < self._armed_for:
            self._arm()
        return deadline

    def close(self) -> None:
        """Call nothing any more."""
        self._closed = True
        self._heap.clear()
        if self._timer is not None:
            self._timer.cancel()

    def forget_one(self) -> None:
        """Count a cancelled deadline, and drop them all once they are the most."""
        self._cancelled += 1
        if self._cancelled > COMPACT_ABOVE and self._cancelled * 2 > len(self._heap):
            self._heap = [item for item in self._heap if item[2].callback]
            heapify(self._heap)
            self._cancelled = 0

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._armed_for = None, inf
        if self._heap and not self._closed:
            # Kept here: what uvloop returns for a time that has come knows nothing of it.
            self._armed_for = self._heap[0][0]
            self._timer = asyncio.get_running_loop().call_at(self._armed_for, self._run)

    def _run(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        # The loop's clock is coarser than a float: what is due within a millisecond is due.
        now = loop.time() + 0.001
        while self._heap and self._heap[0][0] <= now:
            deadline = heappop(self._heap)[2]
            if deadline.callback is None:
                self._cancelled -= 1
            else:
                # Through the loop, so that one that raises holds up none of the others.
                loop.call_soon(_call, deadline)
        self._arm()


def _call(deadline: Deadline) -> None:
    callback, deadline.callback = deadline.callback, None
    if callback is not None:
        callback()
