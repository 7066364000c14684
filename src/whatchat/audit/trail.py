"""From an act to a durable record."""

from collections.abc import Callable, Sequence

from whatchat.domain.actor import Actor, Visitor
from whatchat.domain.audit import Act, Party, Record, party
from whatchat.domain.ids import random_id
from whatchat.domain.times import Clock, utc_now
from whatchat.observability.tracing import current_trace_id


class Trail:
    """Implements ``AuditTrail``."""

    def __init__(self, pod: str, *, clock: Clock = utc_now) -> None:
        self._pod = pod
        self._clock = clock
        self._listeners: list[Callable[[Sequence[Record]], None]] = []

    async def record(self, who: Actor | Visitor | Party, *acts: Act) -> None:
        self._tell([self._record(who, act) for act in acts])

    def mention(self, who: Actor | Visitor | Party, act: Act) -> None:
        self._tell([self._record(who, act)])

    def listen(self, notify: Callable[[Sequence[Record]], None]) -> None:
        self._listeners.append(notify)

    def _record(self, who: Actor | Visitor | Party, act: Act) -> Record:
        return Record(
            id=random_id(),
            at=self._clock(),
            pod=self._pod,
            actor=party(who),
            act=act,
            trace_id=current_trace_id(),
        )

    def _tell(self, records: Sequence[Record]) -> None:
        for notify in self._listeners:
            notify(records)
