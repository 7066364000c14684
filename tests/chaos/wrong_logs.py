"""What can be wrong with the truth itself."""

from collections.abc import Iterator
from itertools import pairwise

from tests.chaos.evidence import Entry, Evidence, Log
from tests.chaos.journal import Sent
from tests.chaos.problems import (
    Divergent,
    Duplicated,
    Foreign,
    Gap,
    Lost,
    Pending,
    Phantom,
    Problem,
    Reordered,
)
from tests.chaos.told import Told, repeated


def wrong_logs(evidence: Evidence, told: Told) -> Iterator[Problem]:
    """What the store holds, and what it ought to."""
    for log in evidence.logs.values():
        yield from _gaps(log)
        yield from _entries(log, told)
        yield from _out_of_time(log, told)
    yield from _lost(evidence, told)


def _gaps(log: Log) -> Iterator[Problem]:
    for before, after in pairwise([0, *(entry.rev for entry in log.entries)]):
        if after != before + 1:
            yield Gap(f"the log goes from rev {before} to {after}", log.room)
    if log.pending:
        yield Pending(f"{log.pending} changes are not projected", log.room)


def _entries(log: Log, told: Told) -> Iterator[Problem]:
    messages = [entry for entry in log.entries if entry.is_message]
    for client_id in repeated(entry.client_id for entry in messages):
        yield Duplicated(f"{client_id} is in the log twice", log.room)
    for entry in {one.client_id: one for one in reversed(messages)}.values():
        if problem := _entry(entry, log, told):
            yield problem


def _entry(entry: Entry, log: Log, told: Told) -> Problem | None:
    sent, accepted = told.sent.get(entry.client_id), told.accepted.get(entry.client_id)
    if sent is None or sent.person != entry.actor:
        return Phantom(f"nobody sent what is at rev {entry.rev} in the log", log.room)
    if sent.room != log.room:
        return Foreign(f"{entry.client_id} was sent to {sent.room}", log.room)
    if accepted and accepted.rev != entry.rev:
        return Divergent(f"rev {entry.rev} was accepted as {accepted.rev}", log.room)
    return None


def _out_of_time(log: Log, told: Told) -> Iterator[Problem]:
    """What was sent after another was accepted comes after it: for one sender, and for all."""
    last: Sent | None = None
    for entry in log.entries:
        accepted = told.accepted.get(entry.client_id)
        if last and accepted and accepted.rev == entry.rev and accepted.at < last.at:
            yield Reordered(f"{entry.client_id} comes after {last.client_id}", log.room)
        sent = told.sent.get(entry.client_id)
        if sent and (last is None or sent.at > last.at):
            last = sent


def _lost(evidence: Evidence, told: Told) -> Iterator[Problem]:
    kept = {entry.client_id for log in evidence.logs.values() for entry in log.entries}
    for client_id, accepted in told.accepted.items():
        if client_id not in kept:
            yield Lost(f"{client_id}, accepted as rev {accepted.rev}, is not kept", accepted.room)
