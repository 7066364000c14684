"""What a run came to, for programs: ``summary.json``."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from loadtests.swarm.run.course import Phase
from loadtests.swarm.run.times import Times
from loadtests.swarm.run.verdict import Gate
from loadtests.swarm.tally import Tally

FILE: Final = "summary.json"


class Messages(Struct, frozen=True, kw_only=True, rename="camel"):
    """How many were accepted, and how many a second of them during the hold."""

    accepted: int
    per_second: float


class Failure(Struct, frozen=True, kw_only=True, rename="camel"):
    """What went wrong, and how often."""

    what: str
    count: int


class PodVitals(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a pod took.

    ``bytes_per_socket`` is what it grew by, for each of its most sockets; ``None`` if many were
    there before it was first seen. ``cpu_percent`` of a core and ``held_bytes``, by which its
    memory grew, are those of the hold; ``None`` if it was not seen twice in that.
    """

    pod: str
    sockets_max: int
    resident_bytes_at_start: int
    resident_bytes_at_most: int
    bytes_per_socket: float | None
    cpu_percent: float | None
    held_bytes: int | None


class Summary(Struct, frozen=True, kw_only=True, rename="camel"):
    """A run; ``cpu_seconds`` are those of each part that ran on this machine, from start to end.

    ``cores`` are how many of the processor's each part used on average during the hold.
    ``warming`` are the deliveries of what was due before the hold, ``deliveries`` the others.
    """

    scenario: str
    host: str
    users: int
    workers: int
    started: datetime
    seconds: float
    phases: Sequence[Phase]
    connects: Times
    acks: Times
    deliveries: Times
    warming: Times
    reconnects: Times
    messages: Messages
    tally: Tally
    failures: Sequence[Failure]
    gates: Sequence[Gate]
    passed: bool
    machine: Mapping[str, object] = msgspec.field(default_factory=dict)
    pods: Sequence[PodVitals] = ()
    cpu_seconds: Mapping[str, float] = msgspec.field(default_factory=dict)
    cores: Mapping[str, float] = msgspec.field(default_factory=dict)
    troubles: Sequence[str] = ()


def write(summary: Summary, folder: Path) -> None:
    """Leave it in a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    text = msgspec.json.format(msgspec.json.encode(summary), indent=2)
    (folder / FILE).write_bytes(text + b"\n")


def read(folder: Path) -> Summary:
    """Read it again. Raises ``OSError`` if it was never written."""
    return msgspec.json.decode((folder / FILE).read_bytes(), type=Summary)


def at(epoch_seconds: float) -> datetime:
    """A time as it is written."""
    return datetime.fromtimestamp(epoch_seconds, UTC)
