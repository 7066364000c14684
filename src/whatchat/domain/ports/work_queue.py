"""Background work, fed from the log and shared out between workers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

from msgspec import Struct

from whatchat.domain.ids import Rev, RoomId

CLAIM_SECONDS: Final = 30.0
"""So long a job is its worker's alone."""

ATTEMPTS: Final = 5
"""A job that was given out so often and never finished is put aside."""

MAX_JOBS: Final = 100_000
MAX_PUT_ASIDE: Final = 1_000


class Job(Struct, frozen=True, kw_only=True):
    """An entry of a room's log that something is to be done about, if it is of such a kind.

    ``position`` is where in the feed of all entries it was read: opaque, never empty, and
    never the same for two jobs. A job may come more than once; ``(room_id, rev)`` tells.
    ``kind`` is the change's, ``pod`` wrote it, at ``stored_at`` by the store's clock, which
    is told to the second.
    """

    room_id: RoomId
    rev: Rev
    kind: str
    pod: str
    stored_at: datetime
    position: bytes


class Assignment(Struct, frozen=True, kw_only=True):
    """A job for one worker, for the ``attempt``-th time; ``receipt`` names it in its group."""

    job: Job
    attempt: int
    receipt: str


class Progress(Struct, frozen=True, kw_only=True):
    """How far the work has come.

    ``newest`` is the job added last, ``None`` if the queue was never fed or has lost
    everything; ``oldest`` is the first that some group has not finished, if there is one.
    """

    oldest: Job | None
    newest: Job | None


class Standing(Struct, frozen=True, kw_only=True):
    """How many jobs a group has not finished, and how many of its failed ones are kept aside."""

    group: str
    waiting: int
    put_aside: int


class WorkQueue(Protocol):
    """Hands every job to each of its groups, within a group to one worker at a time.

    Guarantees: a job is handed out until it is :meth:`done`, again when a worker has neither
    finished nor kept it within the adapter's claim time, and is put aside after the adapter's
    number of attempts; new jobs come in the order of feeding. The queue is bounded and
    drops nothing that is unfinished. It may lose what it holds, as a whole or its latest
    part; whoever feeds it notices by :meth:`add` and feeds that again from the log. Every
    method raises ``Unavailable`` while the queue is away.
    """

    async def add(self, jobs: Sequence[Job], *, after: bytes | None) -> bool:
        """Append jobs behind the one at ``after``, ``None`` for an empty queue.

        False, and nothing done, if another is the newest: somebody else feeds the queue,
        or it has lost some, and :meth:`progress` says where to go on. Raises
        ``Unavailable`` while it is full. Both make two feeders harmless.
        """
        ...

    async def take(self, group: str, worker: str, *, limit: int) -> list[Assignment]:
        """Jobs to do now: those that were left unfinished, by whomever, then new ones."""
        ...

    async def keep(self, group: str, worker: str, receipts: Sequence[str]) -> None:
        """The worker has these still in hand: their claim time begins anew.

        No attempt is counted. One that was given to another meanwhile is both workers'; one
        that is finished, put aside or lost stays so.
        """
        ...

    async def done(self, group: str, receipts: Sequence[str]) -> None:
        """These assignments are finished; harmless if they were already."""
        ...

    async def progress(self) -> Progress:
        """How far it has come: the feeder may forget what is before ``oldest``."""
        ...

    async def ping(self) -> None:
        """Answer, or raise ``Unavailable``."""
        ...

    async def put_aside(self, group: str, *, limit: int) -> list[Job]:
        """The latest jobs that the group failed at once too often, newest first."""
        ...

    async def standings(self) -> list[Standing]:
        """How it stands with each group, in the order they were named in."""
        ...
