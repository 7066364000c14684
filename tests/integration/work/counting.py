"""What is done in a stretch of code: counted, so that no machine is too slow for it."""

import asyncio
import gc
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context
from types import FrameType, FunctionType
from typing import Any, TypeVarTuple, cast

import uvloop

from whatchat.realtime.frame import Frame

_Ts = TypeVarTuple("_Ts")

_MAKES_A_FRAME = cast("FunctionType", Frame.__new__).__code__


class CountingLoop(uvloop.Loop):
    """The loop that pods run on; ``timers`` counts the ones set, not those that are left."""

    def __init__(self) -> None:
        super().__init__()
        self.tasks = self.timers = self.callbacks = 0
        self._handles: list[asyncio.TimerHandle] = []

    def create_task(self, coro: Any, *, name: Any = None, context: Any = None) -> Any:
        self.tasks += 1
        return super().create_task(coro, name=name, context=context)

    def call_soon(
        self,
        callback: Callable[[*_Ts], object],
        *args: *_Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        self.callbacks += 1
        return super().call_soon(callback, *args, context=context)

    def call_later(
        self,
        delay: float,
        callback: Callable[[*_Ts], object],
        *args: *_Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Uvloop's ``call_at`` comes here as well."""
        self.timers += 1
        self._handles = [handle for handle in self._handles if self._is_left(handle)]
        self._handles.append(super().call_later(delay, callback, *args, context=context))
        return self._handles[-1]

    @property
    def timers_left(self) -> int:
        """Timers that will fire yet."""
        return sum(map(self._is_left, self._handles))

    def _is_left(self, handle: asyncio.TimerHandle) -> bool:
        return not handle.cancelled() and handle.when() > self.time()


class Work:
    """Counts: ``calls`` of functions, Python's and C's, ``frames`` that were encoded, and
    ``tasks``, ``timers`` and ``callbacks`` that the loop was given."""

    def __init__(self) -> None:
        self.calls = self.frames = self.tasks = self.timers = self.callbacks = 0


@contextmanager
def counted() -> Iterator[Work]:
    """Counts what the block does; it holds once the block is left."""
    work, loop = Work(), asyncio.get_running_loop()
    assert isinstance(loop, CountingLoop)
    before = (loop.tasks, loop.timers, loop.callbacks)

    def note(frame: FrameType, kind: str, _what: object) -> None:
        work.calls += kind in {"call", "c_call"}
        work.frames += kind == "call" and frame.f_code is _MAKES_A_FRAME

    sys.setprofile(note)
    try:
        yield work
    finally:
        sys.setprofile(None)
    after = (loop.tasks, loop.timers, loop.callbacks)
    work.tasks, work.timers, work.callbacks = (b - a for a, b in zip(before, after, strict=True))


class Memory:
    """Bytes of Python's: ``kept`` is what was allocated and stays, ``peak`` the most of it."""

    def __init__(self) -> None:
        self.kept = self.peak = 0


@contextmanager
def weighed() -> Iterator[Memory]:
    """Counts what the block, within :func:`tracing`, allocates and does not free."""
    memory = Memory()
    gc.collect()  # empties what Python keeps for reuse, so that nothing is had for nothing
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    yield memory
    after, peak = tracemalloc.get_traced_memory()
    memory.kept, memory.peak = after - before, peak - before


@contextmanager
def tracing() -> Iterator[None]:
    """Follows memory; only what is allocated in here is followed, so begin early."""
    with uncollected():
        tracemalloc.start()
        try:
            yield
        finally:
            tracemalloc.stop()


@contextmanager
def uncollected() -> Iterator[None]:
    """Leaves freeing to the counting of references."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def census() -> Counter[type]:
    """How many objects of each class the garbage collector knows of, garbage included."""
    return Counter(map(type, gc.get_objects()))
