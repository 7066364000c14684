"""What a run tells Prometheus: the names, which dashboards may ask for and the exporter fills.

Nothing of Locust's is loaded here, as that would change the sockets of whoever only wants names.
"""

from collections.abc import Iterator, Mapping
from typing import Final, Literal, NamedTuple

PREFIX: Final = "whatchat_load"

PORT: Final = 9646
"""Where they are told, unless said otherwise."""

BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""The server's own, in seconds, so that its times and those of people can be compared."""


class Figure(NamedTuple):
    """A metric; counters are named without ``_total``, which is only exposed."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    says: str
    labels: tuple[str, ...] = ()


RUN: Final = Figure(f"{PREFIX}_info", "gauge", "1 while a run goes on.", ("scenario",))
USERS: Final = Figure(f"{PREFIX}_users", "gauge", "Users that are there, signed in or not.")
WANTED: Final = Figure(f"{PREFIX}_wanted_users", "gauge", "Users that are to be there.")
CONNECTED: Final = Figure(f"{PREFIX}_connected_users", "gauge", "Users that are signed in.")
CPU: Final = Figure(
    f"{PREFIX}_cpu_ratio", "gauge", "The share of a core that a process of the load takes.", ("of",)
)
REQUESTS: Final = Figure(
    f"{PREFIX}_requests",
    "counter",
    "What users have tried, by Locust's type and name, failures included.",
    ("type", "name"),
)
FAILURES: Final = Figure(
    f"{PREFIX}_failures", "counter", "What users have tried in vain.", ("type", "name")
)
SECONDS: Final = Figure(
    f"{PREFIX}_seconds",
    "histogram",
    "How long it took, rounded to 1 ms, from a second on to three digits.",
    ("type", "name"),
)
CLOSES: Final = Figure(
    f"{PREFIX}_closes",
    "counter",
    "Connections that ended, by the WebSocket's close code.",
    ("code",),
)

COUNTED: Final[Mapping[str, Figure]] = {
    field: Figure(f"{PREFIX}_{field}", "counter", says)
    for field, says in {
        "accepted": "Messages that were acknowledged.",
        "delivered": "Messages that somebody other than their sender holds, once for each.",
        "lost": "Messages that were acknowledged and that somebody does not hold at the end.",
        "duplicated": "Messages that somebody holds twice.",
        "refused": "Commands that were answered with an error.",
        "unknown": "Messages without an acknowledgement, which were sent again.",
        "bad_requests": "Requests that were answered with 400.",
        "dropped": "Connections that were lost though nobody had asked people to move.",
        "misdelivered": "Messages of rooms in which their hearer is not.",
        "crashed": "Errors of the players themselves.",
    }.items()
}
"""By the field of the tally."""

FIGURES: Final = (
    *(RUN, USERS, WANTED, CONNECTED, CPU, REQUESTS, FAILURES, SECONDS, CLOSES),
    *COUNTED.values(),
)


def declared() -> Iterator[tuple[str, frozenset[str]]]:
    """Each name as it is exposed, and its labels."""
    for figure in FIGURES:
        labels = frozenset(figure.labels)
        match figure.kind:
            case "gauge":
                yield figure.name, labels
            case "counter":
                yield f"{figure.name}_total", labels
            case "histogram":
                yield f"{figure.name}_bucket", labels | {"le"}
                yield f"{figure.name}_count", labels
                yield f"{figure.name}_sum", labels
