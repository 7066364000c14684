"""Spans: what a sampled command led to, where, and how long each part took.

All their names and attributes are in this file. They follow OpenTelemetry's semantic conventions
(1.44: HTTP, database, messaging) where these have a name, and begin with ``whatchat.`` where
they have none. Rooms are named; content, tokens, addresses and people are not.
"""

import secrets
from collections.abc import Callable
from time import perf_counter_ns, time_ns
from typing import Final, Literal, NamedTuple

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Value = str | int

OUTCOME: Final = "whatchat.outcome"
_ERROR: Final = "error.type"
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Systems(NamedTuple):
    """What the store and the broker are called."""

    store: str = "sqlite"
    broker: str = "in_process"


SYSTEMS: Final = Systems()


class Context(NamedTuple):
    """What a span is below: another one of the same trace, perhaps of another process."""

    trace_id: str
    span_id: str
    is_remote: bool = True


class Span:
    """One part of a trace. It is handed over, once, when it ends."""

    __slots__ = (
        "_begun",
        "_take",
        "attributes",
        "end_ns",
        "error",
        "kind",
        "name",
        "parent",
        "span_id",
        "start_ns",
        "systems",
        "trace_id",
    )

    def __init__(
        self,
        name: str,
        kind: Kind,
        trace_id: str,
        parent: Context | None,
        systems: Systems,
        take: Callable[["Span"], None],
    ) -> None:
        self.name = name
        self.kind = kind
        self.trace_id = trace_id
        self.span_id = secrets.token_hex(8)
        self.parent = parent
        self.systems = systems
        self.attributes: dict[str, Value] = {}
        self.error = ""
        self.start_ns = time_ns()
        self.end_ns = 0
        self._begun = perf_counter_ns()
        self._take = take

    @property
    def traceparent(self) -> str:
        """How those on the way are told (W3C Trace Context)."""
        return f"00-{self.trace_id}-{self.span_id}-01"

    @property
    def exemplar(self) -> dict[str, str]:
        """What it is told by beside an observation of a metric."""
        return {"trace_id": self.trace_id}

    def child(self, name: str, kind: Kind, **attributes: Value) -> "Span":
        """A part of this part, begun now."""
        parent = Context(self.trace_id, self.span_id, is_remote=False)
        span = Span(name, kind, self.trace_id, parent, self.systems, self._take)
        span.attributes.update(attributes)
        return span

    def end(self, *, error: str = "") -> None:
        """Hand it over as ended now; harmless if that has happened."""
        if self.end_ns:
            return
        self.end_ns = self.start_ns + perf_counter_ns() - self._begun
        if error:
            self.error = self.attributes[_ERROR] = error
        self._take(self)

    # What it is about.

    def of_request(self, method: str, route: str | None, status: int) -> None:
        """An HTTP request: by its route, never its path."""
        known = method if method in _METHODS else "_OTHER"
        self.name = f"{known if known == method else 'HTTP'} {route}" if route else known
        self.attributes["http.request.method"] = known
        if route:
            self.attributes["http.route"] = route
        if status:
            self.attributes["http.response.status_code"] = status
        if status >= 500:
            self.error = self.attributes[_ERROR] = str(status)

    def of_command(self, command: str, via: str, outcome: str) -> None:
        """A command, and what became of it."""
        self.attributes["whatchat.command"] = command
        self.attributes["whatchat.via"] = via
        self.attributes[OUTCOME] = outcome

    def end_appended(self, rev: int) -> None:
        """What was asked for is in the log."""
        self.attributes["whatchat.rev"] = rev
        self.attributes[OUTCOME] = "ok"
        self.end()

    def end_unchanged(self, outcome: str) -> None:
        """Nothing was appended for it; harmless if it has ended."""
        if not self.end_ns:
            self.attributes[OUTCOME] = outcome
            self.end(error=outcome if outcome == "unavailable" else "")

    # What it leads to.

    def appending(self, room_id: str) -> "Span":
        """From a change's being asked of its room to its being durable, waiting included."""
        span = self.child("append", "internal")
        span.attributes["whatchat.room.id"] = room_id
        return span

    def inserting(self, entries: int) -> "Span":
        """The store's part of that, many entries at once."""
        span = self.child("insert log", "client")
        span.attributes["db.system.name"] = self.systems.store
        span.attributes["db.operation.name"] = "insert"
        span.attributes["db.collection.name"] = "log"
        if entries > 1:
            span.attributes["db.operation.batch.size"] = entries
        return span

    def publishing(self, to: str, room_id: str, rev: int, announcements: int) -> "Span":
        """From handing announcements to the broker to its having them."""
        span = self.child(f"publish {to}", "producer")
        span.of_messaging("publish", "send", to)
        span.attributes["whatchat.room.id"] = room_id
        span.attributes["whatchat.rev"] = rev
        if announcements > 1:
            span.attributes["messaging.batch.message_count"] = announcements
        return span

    def of_delivery(self, to: str, event: str, room_id: str | None, rev: int) -> None:
        """An announcement's way to the sockets of a pod."""
        self.of_messaging("deliver", "process", to)
        self.attributes["whatchat.event"] = event
        if room_id:
            self.attributes["whatchat.room.id"] = room_id
            self.attributes["whatchat.rev"] = rev

    def of_sockets(self, sockets: int) -> None:
        """It was written to so many."""
        self.attributes["whatchat.sockets"] = sockets

    def of_messaging(self, name: str, kind: str, to: str) -> None:
        """An operation with the broker."""
        self.attributes["messaging.system"] = self.systems.broker
        self.attributes["messaging.operation.name"] = name
        self.attributes["messaging.operation.type"] = kind
        self.attributes["messaging.destination.template"] = to
