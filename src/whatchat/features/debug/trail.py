"""A message's way, put together from what the pods remember. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, TypeVar

from msgspec import UNSET, UnsetType

from whatchat.domain.debugging import MessageOnPod, Receipt
from whatchat.domain.ids import MessageId, RoomId, Seq, locate
from whatchat.domain.log import Entry
from whatchat.domain.times import Timestamp, timestamp
from whatchat.features.debug.views import MessageTrail, Step

LISTED: Final = 500
"""So many sockets, and so many receipts, a trail lists at most."""

_ORDER: Final = ("accepted", "persisted", "written", "published", "delivered", "read")
"""Of what happened in the same millisecond: its own sockets hear of a message first."""

T = TypeVar("T")


def trail_of(
    message_id: MessageId, found: Sequence[MessageOnPod], entry: Entry | None, missing: list[str]
) -> MessageTrail:
    """The trail; ``entry`` is the message in the log, if that can be read."""
    room_id, seq = locate(message_id) or (RoomId(""), Seq(0))
    writer = next((one for one in found if one.persisted_at is not UNSET), None)
    receipts = sorted((one for part in found for one in part.receipts), key=lambda one: one.at)
    written = sorted((one for part in found for one in part.written), key=lambda one: one.at)
    return MessageTrail(
        message_id=message_id,
        room_id=room_id,
        seq=seq,
        sender_id=entry.actor_id if entry else _first(one.sender_id for one in found),
        posted_at=timestamp(entry.at) if entry else UNSET,
        pod=writer.pod if writer else UNSET,
        accepted_at=writer.accepted_at if writer else UNSET,
        persisted_at=writer.persisted_at if writer else UNSET,
        published_at=writer.published_at if writer else UNSET,
        sockets=sum(part.sockets for part in found),
        delivered=_people(receipts, "delivered"),
        read=_people(receipts, "read"),
        steps=_in_order(found, receipts, writer.accepted_at if writer else UNSET),
        written=written[:LISTED],
        receipts=receipts[:LISTED],
        missing=missing,
    )


def _in_order(
    found: Iterable[MessageOnPod], receipts: Sequence[Receipt], begin: Timestamp | UnsetType
) -> list[Step]:
    steps = [step for part in found for step in _steps(part, begin)]
    for kind in ("delivered", "read"):
        these = [one for one in receipts if one.kind == kind]
        steps += [
            Step(at=one.at, step=one.kind, pod=one.pod, user_id=one.user_id, ms=_ms(begin, one.at))
            for one in dict.fromkeys((*these[:1], *these[-1:]))
        ]
    return sorted(steps, key=lambda step: (step.at, _ORDER.index(step.step)))


def _steps(part: MessageOnPod, begin: Timestamp | UnsetType) -> Iterator[Step]:
    if part.accepted_at is not UNSET:
        yield Step(at=part.accepted_at, step="accepted", pod=part.pod, ms=0.0)
    if part.persisted_at is not UNSET:
        at = part.persisted_at
        yield Step(at=at, step="persisted", pod=part.pod, ms=_ms(begin, at))
    if part.published_at is not UNSET:
        at = part.published_at
        yield Step(at=at, step="published", pod=part.pod, ms=_ms(begin, at))
    if part.written_at is not UNSET:
        at = part.written_at
        yield Step(at=at, step="written", pod=part.pod, ms=_ms(begin, at), sockets=part.sockets)


def _people(receipts: Iterable[Receipt], kind: str) -> int:
    return len({one.user_id for one in receipts if one.kind == kind})


def _ms(begin: Timestamp | UnsetType, at: Timestamp) -> float | UnsetType:
    if begin is UNSET:
        return UNSET
    passed = datetime.fromisoformat(at) - datetime.fromisoformat(begin)
    return passed.total_seconds() * 1000


def _first(found: Iterable[T | UnsetType]) -> T | UnsetType:
    return next((one for one in found if one is not UNSET), UNSET)
