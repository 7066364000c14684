"""From people who have fallen silent to the evidence."""

import asyncio
import time
from collections.abc import Mapping

from tests.chaos.crowd import Crowd
from tests.chaos.evidence import Evidence, Line, View
from tests.chaos.journal import Journal, Marked, Turn
from tests.chaos.truth import Truth
from tests.chaos.wrong_ways import HEALED_SECONDS
from whatchat.domain.ids import Rev, RoomId

LOOK_SECONDS = 0.2


def mark(journal: Journal, what: Turn) -> None:
    """Note a turn in the course of a trial."""
    journal.note(Marked(time.monotonic(), what))


async def whole(store: str, crowd: Crowd) -> None:
    """Return once everybody has everything, or had the time that is promised for it."""
    deadline = crowd.journal.marked("healed") + HEALED_SECONDS
    async with Truth.of(store) as truth:
        heads = await truth.heads(crowd.members)
    while not _has_all(crowd, heads):
        if time.monotonic() > deadline:
            return
        await asyncio.sleep(LOOK_SECONDS)


async def evidence_of(store: str, crowd: Crowd) -> Evidence:
    """The journal, what the store at that URL holds, and what everybody sees now."""
    async with Truth.of(store) as truth:
        logs = await truth.logs(crowd.members)
    judged = frozenset(person.id for person in crowd.judged)
    absent = frozenset(person.id for person in crowd.judged if not person.client.is_connected)
    return Evidence(crowd.journal, _views(crowd), logs, judged, absent)


def _has_all(crowd: Crowd, heads: Mapping[RoomId, Rev]) -> bool:
    return all(
        person.client.is_connected
        and room_id in person.client.state.rooms
        and person.client.state.rooms[room_id].cursor >= heads[room_id]
        for person in crowd.judged
        for room_id in person.room_ids
    )


def _views(crowd: Crowd) -> list[View]:
    return [
        View(
            person.id,
            room_id,
            [Line.of(one) for one in held.messages.values()],
            held.cursor,
            waits=room_id in person.client.state.early,
            last=Line.of(held.room.last_message) if held.room.last_message else None,
        )
        for person in crowd.judged
        for room_id, held in person.client.state.rooms.items()
    ]
