"""What can be wrong on the way: with what people were told, and when."""

from collections.abc import Collection, Iterator, Sequence
from math import inf

from tests.chaos.evidence import Evidence
from tests.chaos.journal import (
    Changing,
    Heard,
    Journal,
    Marked,
    Probed,
    Refusal,
    Sent,
    Shown,
    Synced,
    Turned,
    Unknown,
    Vanished,
)
from tests.chaos.problems import (
    Divergent,
    Duplicated,
    Foreign,
    Late,
    Lost,
    Pending,
    Phantom,
    Problem,
    Refused,
    Reordered,
    Silent,
    Unasked,
)
from tests.chaos.told import Told, ascend, repeated
from whatchat.domain.errors import NotFound
from whatchat.domain.ids import ClientId
from whatchat.entrypoints.pod_lease import LEASE_SECONDS

HEALED_SECONDS = 30.0
"""So long after the healing everybody has everything."""

LAST_WORD_SECONDS = LEASE_SECONDS + 5.0
"""So late the members may hear what a pod wrote that died before it said so."""


def wrong_ways(evidence: Evidence, told: Told) -> Iterator[Problem]:
    """What happened in the course of a trial and must not."""
    yield from _leaks(evidence)
    yield from _announcements(told)
    yield from _announced_otherwise(evidence, told)
    yield from _stragglers(evidence.journal)
    yield from _unsettled(evidence.journal, told)
    yield from _unanswered(evidence.journal, told)
    yield from _last_words(evidence, told)
    for person in sorted(evidence.absent):
        yield Pending("is not connected in the end", person=person)
    for synced in evidence.journal.of(Synced):
        if not synced.asked:
            yield Unasked("a sync without a gap, a resync or a reconnect", person=synced.person)
    for probed in evidence.journal.of(Probed):
        if not probed.lives:
            yield Silent(f"{probed.process} did not answer /livez at {probed.at:.1f}")


def _leaks(evidence: Evidence) -> Iterator[Problem]:
    """What reached a client, shown or not."""
    journal = evidence.journal
    heard = {(one.person, one.room) for one in journal.of(Heard)}
    reached = heard | {(one.person, one.room) for one in journal.of(Shown)}
    reached |= {(one.person, one.room) for one in journal.of(Turned)}
    for person, room in sorted(reached):
        if room not in evidence.logs or person not in evidence.logs[room].members:
            yield Foreign("heard of a room without being in it", room, person)


def _announcements(told: Told) -> Iterator[Problem]:
    for (person, room), shown in told.shown.items():
        for client_id in repeated(one.client_id for one in shown):
            yield Duplicated(f"{client_id} was announced twice", room, person)
        if not ascend([one.by for one in _firsts(shown)]):
            yield Reordered("messages were announced in another order", room, person)


def _announced_otherwise(evidence: Evidence, told: Told) -> Iterator[Problem]:
    """What was announced and is not what is kept, whether it is still shown or not."""
    kept = {one.client_id: one for log in evidence.logs.values() for one in reversed(log.entries)}
    for (person, room), shown in told.shown.items():
        for one in _firsts(shown):
            client_id, rev, entry = one.client_id, one.rev, kept.get(one.client_id)
            if client_id not in told.sent:
                yield Phantom(f"{client_id} was announced, and nobody sent it", room, person)
            elif entry and entry.rev != rev:
                yield Divergent(f"rev {entry.rev} was announced as {rev}", room, person)
            elif entry is None and client_id not in told.accepted:
                yield Pending(f"{client_id} was announced and is not kept", room, person)


def _stragglers(journal: Journal) -> Iterator[Problem]:
    healed = _healed(journal)
    told: list[Shown | Turned] = [*journal.of(Shown), *journal.of(Turned)]
    for one in told:
        if one.at > healed + HEALED_SECONDS:
            after = f"{one.at - healed:.1f} s after the healing"
            yield Late(f"{one.client_id} came {after}", one.room, one.person)


def _healed(journal: Journal) -> float:
    return next((one.at for one in journal.of(Marked) if one.what == "healed"), inf)


def _firsts(shown: Sequence[Shown]) -> Collection[Shown]:
    """Announcements of messages, each for its first time."""
    firsts: dict[ClientId, Shown] = {}
    for one in shown:
        firsts.setdefault(one.client_id, one)
    return firsts.values()


def _unsettled(journal: Journal, told: Told) -> Iterator[Problem]:
    gone = {one.person for one in journal.of(Vanished)}
    refusals = journal.of(Refusal)
    for refused in refusals:
        if not _came_too_late(refused, told):
            yield Refused(f"{refused.client_id}: {refused.code}", person=refused.person)
    settled = {one.client_id for one in refusals} | told.accepted.keys() | told.changed.keys()
    settled |= {one.client_id for one in journal.of(Unknown)}
    begun: list[Sent | Changing] = [*told.sent.values(), *told.asked.values()]
    for one in begun:
        if one.client_id not in settled and one.person not in gone:
            yield Pending(f"{one.client_id} came to no end", one.room, one.person)


def _unanswered(journal: Journal, told: Told) -> Iterator[Problem]:
    """What was begun when all was whole again, and had no answer all the same."""
    healed = _healed(journal)
    for one in journal.of(Unknown):
        begun = told.sent.get(one.client_id) or told.asked.get(one.client_id)
        if begun and begun.at > healed:
            yield Late(f"{one.client_id} had no answer", begun.room, begun.person)


def _came_too_late(refused: Refusal, told: Told) -> bool:
    """Whether it was a change of what somebody else wanted deleted by then."""
    asked = told.asked.get(refused.client_id)
    return asked is not None and any(
        one.how == "delete" and one.of == asked.of and one.at < refused.at
        for one in told.asked.values()
        if one is not asked and refused.code == NotFound.code
    )


def _last_words(evidence: Evidence, told: Told) -> Iterator[Problem]:
    """What was said by those who vanished: their pods wrote it and did not announce it."""
    for last in evidence.journal.of(Vanished):
        room = told.sent[last.client_id].room
        if all(entry.client_id != last.client_id for entry in evidence.logs[room].entries):
            yield Lost(f"{last.client_id}, the last word, is not kept", room)
        for person in sorted(evidence.logs[room].members & told.judged):
            shown = [one.at for one in told.shown.get((person, room), ()) if _is(one, last)]
            if shown and shown[0] - last.at > LAST_WORD_SECONDS:
                yield Late(f"{last.client_id} took {shown[0] - last.at:.1f} s", room, person)


def _is(shown: Shown, last: Vanished) -> bool:
    return shown.client_id == last.client_id
