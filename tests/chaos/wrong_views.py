"""What can be wrong with what people see in the end."""

from collections.abc import Iterator, Mapping

from tests.chaos.evidence import Entry, Evidence, Line, Log, View
from tests.chaos.history import lines_after
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
    Stale,
)
from tests.chaos.told import Told, ascend
from tests.chaos.wrong_changes import differs
from whatchat.domain.ids import ClientId, Rev


def wrong_views(evidence: Evidence, told: Told) -> Iterator[Problem]:
    """What is held of each room by each of its people who is judged, and by nobody else."""
    right = {log.room: lines_after(log, told) for log in evidence.logs.values()}
    for view in evidence.views:
        log = evidence.logs.get(view.room)
        if log is None or view.person not in log.members:
            yield Foreign("is shown a room without being in it", view.room, view.person)
        else:
            yield from _view(view, log, told)
            yield from _changed(view, right[view.room], told)
    held = {(view.person, view.room) for view in evidence.views}
    for log in evidence.logs.values():
        for person in log.members & told.judged:
            if (person, log.room) not in held:
                yield Lost("the whole room is not shown", log.room, person)


def _view(view: View, log: Log, told: Told) -> Iterator[Problem]:
    kept = {one.client_id: one for one in reversed(log.entries) if one.is_message}
    seen: set[ClientId] = set()
    for line in view.lines:
        if problem := _said_otherwise(line, view, told) or _kept_otherwise(
            line, view, kept, seen, told
        ):
            yield problem
        seen.add(line.client_id)
    lost = [entry for entry in kept.values() if entry.client_id not in seen]
    for entry in lost:
        yield Lost(f"rev {entry.rev} is not shown", view.room, view.person)
    if not ascend([line.rev for line in view.lines]):
        yield Reordered("the messages are not in the order of their revs", view.room, view.person)
    yield from _cursor(view, log, is_told=bool(lost))


def _changed(view: View, right: Mapping[Rev, Line], told: Told) -> Iterator[Problem]:
    """Messages that are not as their changes left them, in the room and in the list of rooms."""
    for line in view.lines:
        problem = differs(line, right.get(line.rev), view.room, view.person)
        if problem and not _said_otherwise(line, view, told):
            yield problem
    if view.lines and view.last != view.lines[-1]:
        yield Stale("the list of rooms shows another last message", view.room, view.person)


def _said_otherwise(line: Line, view: View, told: Told) -> Problem | None:
    sent = told.sent.get(line.client_id)
    if sent is None or sent.person != line.sender or line.text not in told.words[line.client_id]:
        return Phantom(f"nobody said what is at rev {line.rev}", view.room, view.person)
    if sent.room != view.room:
        return Foreign(f"{line.client_id} was said in {sent.room}", view.room, view.person)
    return None


def _kept_otherwise(
    line: Line, view: View, kept: Mapping[ClientId, Entry], seen: set[ClientId], told: Told
) -> Problem | None:
    entry = kept.get(line.client_id)
    if line.client_id in seen:
        return Duplicated(f"{line.client_id} is shown twice", view.room, view.person)
    if entry and entry.rev != line.rev:
        return Divergent(f"rev {entry.rev} is shown as {line.rev}", view.room, view.person)
    if entry is None and line.client_id not in told.accepted:
        return Pending(f"{line.client_id} is shown and not kept", view.room, view.person)
    return None


def _cursor(view: View, log: Log, *, is_told: bool) -> Iterator[Problem]:
    head = log.entries[-1].rev if log.entries else 0
    if view.waits:
        yield Gap(f"something is missing after rev {view.cursor}", view.room, view.person)
    elif view.cursor != head and not is_told:
        yield Pending(f"stands at rev {view.cursor} of {head}", view.room, view.person)
