"""What was read from elsewhere, remembered for a while."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from time import monotonic
from typing import Generic, NamedTuple, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

_Load = asyncio.Task[Mapping[Key, Value]]


class _Known(NamedTuple, Generic[Value]):
    value: Value
    until: float
    weight: int


class Remembered(Generic[Key, Value]):
    """The values asked for last, up to ``most`` in weight, each for ``max_age`` seconds.

    Of several who ask for one key at the same time only the first has it ``read``, in one
    batch with all that it lacks. Whoever asks after a key was forgotten gets what was read
    after that, and what was being read by then is not remembered. A value that outweighs
    all others together is remembered alone.
    """

    def __init__(
        self,
        read: Callable[[Collection[Key]], Awaitable[Mapping[Key, Value]]],
        *,
        most: int,
        max_age: float,
        weigh: Callable[[Value], int] = lambda _: 1,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._read = read
        self._most = most
        self._max_age = max_age
        self._weigh = weigh
        self._clock = clock
        self._known: OrderedDict[Key, _Known[Value]] = OrderedDict()
        self._weight = 0
        self._loading: dict[Key, _Load[Key, Value]] = {}
        self._loads: set[_Load[Key, Value]] = set()

    async def of(self, keys: Iterable[Key]) -> dict[Key, Value]:
        """The values of these keys; those that reading does not find are absent."""
        wanted = set(keys)
        found = self._remembered(wanted)
        missing = wanted - found.keys()
        if missing:
            for load in self._loads_of(missing):
                # Shielded: others may be waiting for the same load when this caller goes.
                loaded = await asyncio.shield(load)
                found.update((one, loaded[one]) for one in missing & loaded.keys())
        return found

    def forget(self, key: Key) -> None:
        """Read it afresh next time."""
        self._drop(key)
        self._loading.pop(key, None)

    def forget_all(self) -> None:
        """Read everything afresh next time."""
        self._known.clear()
        self._weight = 0
        self._loading.clear()

    async def close(self) -> None:
        """Wait for the reads that are under way."""
        await asyncio.gather(*self._loads, return_exceptions=True)

    def _remembered(self, wanted: set[Key]) -> dict[Key, Value]:
        now = self._clock()
        found = {}
        for key in wanted:
            known = self._known.get(key)
            if known and known.until > now:
                self._known.move_to_end(key)
                found[key] = known.value
        return found

    def _loads_of(self, missing: set[Key]) -> set[_Load[Key, Value]]:
        under_way = {self._loading[one] for one in missing & self._loading.keys()}
        unasked = missing - self._loading.keys()
        return under_way | {self._start_load(unasked)} if unasked else under_way

    def _start_load(self, keys: set[Key]) -> _Load[Key, Value]:
        load = asyncio.create_task(self._load(keys), name="reading what to remember")
        self._loads.add(load)
        load.add_done_callback(self._finish_load)
        self._loading.update(dict.fromkeys(keys, load))
        return load

    async def _load(self, keys: set[Key]) -> Mapping[Key, Value]:
        this = asyncio.current_task()
        try:
            values = await self._read(keys)
            self._remember({one: values[one] for one in values if self._loading.get(one) is this})
            return values
        finally:
            for key in keys:
                if self._loading.get(key) is this:
                    del self._loading[key]

    def _remember(self, values: Mapping[Key, Value]) -> None:
        until = self._clock() + self._max_age
        for key, value in values.items():
            self._drop(key)
            known = self._known[key] = _Known(value, until, self._weigh(value))
            self._weight += known.weight
        while self._weight > self._most and len(self._known) > 1:
            self._drop(next(iter(self._known)))

    def _drop(self, key: Key) -> None:
        known = self._known.pop(key, None)
        if known:
            self._weight -= known.weight

    def _finish_load(self, load: _Load[Key, Value]) -> None:
        self._loads.discard(load)
        if not load.cancelled():
            # Marks a failure as seen, should every caller be gone by now.
            load.exception()
