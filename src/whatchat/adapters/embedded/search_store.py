"""Messages by their words in SQLite."""

import heapq
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from whatchat.adapters.embedded.database import Database
from whatchat.domain.ids import MAX_REV, RoomId, Seq, UserId
from whatchat.domain.ports.message_store import MessageKey
from whatchat.domain.ports.search_store import Candidates, MessagePosition
from whatchat.domain.times import from_millis, to_millis

MAX_EXAMINED: Final = 2_000

_SOURCES: Final = (
    "message_words WHERE word = :word AND room_id = :room",
    "hidden_words WHERE word = :word AND room_id = :room AND sender_id = :viewer",
)
"""Words of messages that everybody in a room sees, and of those that the viewer alone sees."""

_Place = tuple[int, Seq, RoomId]


class SqliteSearchStore:
    """Implements ``SearchStore``: merges what each room has, as far as is looked at."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def candidates(
        self,
        words: Sequence[str],
        first: Mapping[RoomId, Seq],
        *,
        viewer_id: UserId,
        before: MessagePosition | None,
        limit: int,
    ) -> Candidates:
        return await self._database.read(
            lambda connection: _candidates(connection, words, first, viewer_id, before, limit)
        )


def _candidates(
    connection: sqlite3.Connection,
    words: Sequence[str],
    first: Mapping[RoomId, Seq],
    viewer_id: UserId,
    before: MessagePosition | None,
    limit: int,
) -> Candidates:
    # The longest word is taken to be the rarest.
    rarest, *others = sorted(words, key=len, reverse=True)
    bound = (to_millis(before.at), before.seq, before.room_id) if before else (MAX_REV, Seq(0), "")
    places = heapq.merge(
        *(
            _places(connection, source, rarest, room_id, viewer_id, bound)
            for room_id in first
            for source in _SOURCES
        ),
        reverse=True,
    )
    keys: list[MessageKey] = []
    for examined, place in enumerate(places, start=1):
        _, seq, room_id = place
        if seq >= first[room_id] and all(
            _has(connection, other, place, viewer_id) for other in others
        ):
            keys.append((room_id, seq))
        if len(keys) == limit or examined == MAX_EXAMINED:
            return Candidates(keys=tuple(keys), next=_position(place))
    return Candidates(keys=tuple(keys), next=None)


def _places(
    connection: sqlite3.Connection,
    source: str,
    word: str,
    room_id: RoomId,
    viewer_id: UserId,
    bound: tuple[int, Seq, str],
) -> Iterator[_Place]:
    """Where a source has the word for a viewer, newest first; read only as far as is asked."""
    at, seq, room = bound
    return map(
        tuple,
        connection.execute(
            f"SELECT at, seq, room_id FROM {source} AND at <= :at"
            " AND (at, seq, room_id) < (:at, :seq, :bound) ORDER BY at DESC, seq DESC",
            {
                "word": word,
                "room": room_id,
                "viewer": viewer_id,
                "at": at,
                "seq": seq,
                "bound": room,
            },
        ),
    )


def _has(connection: sqlite3.Connection, word: str, place: _Place, viewer_id: UserId) -> bool:
    at, seq, room_id = place
    what = {"word": word, "room": room_id, "viewer": viewer_id, "at": at, "seq": seq}
    return any(
        connection.execute(f"SELECT 1 FROM {source} AND at = :at AND seq = :seq", what).fetchone()
        for source in _SOURCES
    )


def _position(place: _Place) -> MessagePosition:
    at, seq, room_id = place
    return MessagePosition(at=from_millis(at), seq=seq, room_id=room_id)
