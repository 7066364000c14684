"""The room log in the store: the truth."""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from whatchat.domain.ids import ClientId, Rev, RoomId, Seq, UserId
from whatchat.domain.log import Entry
from whatchat.domain.message_state import MessageState

MessageKey = tuple[RoomId, Seq]


class Appended(Struct, frozen=True, kw_only=True):
    """How far a batch got: its first ``count`` entries are durable.

    ``clash`` says what stopped it before the end: ``rev`` (another writer took that rev)
    or ``client_id`` (the actor already used that id in this room); ``None`` if nothing did.
    """

    count: int
    clash: Literal["rev", "client_id"] | None = None


class ChangedSpan(Struct, frozen=True, kw_only=True):
    """The messages of a room with ``seq >= first`` and ``after < rev <= upto``."""

    first: Seq
    after: Rev
    upto: Rev


class MessageStore(Protocol):
    """Keeps every room's log and the current state of its messages.

    Guarantees: an entry once reported as appended survives any crash and is seen by every
    later read through any adapter instance; ``(room_id, rev)`` and ``(room_id, actor_id,
    client_id)`` are unique for ever; states returned reflect every appended entry of the
    room, whole: what of one a person sees is for whoever asks to apply (``seen_by``). Where
    a ``viewer_id`` is given, messages that are hidden from that person are as if they were
    not there. Every method raises ``Unavailable`` when the store is down, full or late; after
    that from :meth:`append` the outcome is unknown.
    """

    async def append(self, entries: Sequence[Entry]) -> Appended:
        """Append entries of one room with consecutive revs, in order, up to the first clash.

        Projects each entry onto its room, its members and its message. A deletion also
        erases its message's content and digests wherever the store keeps them.
        """
        ...

    async def finish(self, room_ids: Collection[RoomId]) -> None:
        """See to it that nothing is left to project or to erase in these rooms.

        Reads do that for themselves; this is for what a dead writer left and nobody reads.
        """
        ...

    async def entries(self, room_id: RoomId, *, after: Rev, limit: int) -> list[Entry]:
        """The room's entries with ``rev > after``, in order; bodies of messages are blank."""
        ...

    async def find(self, room_id: RoomId, actor_id: UserId, client_id: ClientId) -> Entry | None:
        """The entry that a command left, if it left one."""
        ...

    async def messages(self, keys: Sequence[MessageKey]) -> Mapping[MessageKey, MessageState]:
        """The messages with these keys, in their current state; unknown ones are absent."""
        ...

    async def history(
        self,
        room_id: RoomId,
        *,
        viewer_id: UserId,
        first: Seq,
        before: Seq | None,
        after: Seq | None,
        limit: int,
    ) -> list[MessageState]:
        """Messages with ``seq >= first``, oldest first.

        The ``limit`` latest before ``before`` (or of all), or, if only ``after`` is given,
        the ``limit`` earliest after it.
        """
        ...

    async def latest(
        self, viewer_id: UserId, spans: Mapping[RoomId, tuple[Seq, Rev]], *, limit: int
    ) -> Mapping[RoomId, list[MessageState]]:
        """The ``limit`` latest messages of each room in ``after < seq <= upto``, oldest first."""
        ...

    async def changed(
        self, viewer_id: UserId, spans: Mapping[RoomId, ChangedSpan], *, limit: int
    ) -> Mapping[RoomId, list[MessageState]]:
        """The ``limit`` first messages of each room with ``seq >= first`` in its span of revs.

        Each once, by ``rev``, which here is that of the latest change that the viewer sees.
        """
        ...

    async def unread(
        self, viewer_id: UserId, spans: Mapping[RoomId, tuple[Seq, Rev]], *, limit: int
    ) -> Mapping[RoomId, int]:
        """How many messages by others have ``after < seq <= upto``, each counted to ``limit``.

        What the server itself says in a room does not count.
        """
        ...
