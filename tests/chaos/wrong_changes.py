"""What can be wrong with edits, deletions and reactions."""

from collections.abc import Iterator

from tests.chaos.evidence import Alteration, Entry, Evidence, Line, Log
from tests.chaos.history import lines_after, marks_after
from tests.chaos.journal import Changing, How, Turned, Unknown
from tests.chaos.problems import (
    Duplicated,
    Exposed,
    Lost,
    Phantom,
    Problem,
    Reordered,
    Stale,
)
from tests.chaos.told import Told, repeated
from whatchat.domain.ids import ClientId, Rev, RoomId, UserId

Mark = tuple[UserId, ClientId, How, str]


def wrong_changes(evidence: Evidence, told: Told) -> Iterator[Problem]:
    """What became of every change: in the logs, in the store, and in what people were told."""
    unknown = {one.client_id for one in evidence.journal.of(Unknown)}
    for log in evidence.logs.values():
        messages = {entry.rev: entry.client_id for entry in log.entries if entry.is_message}
        yield from _unwanted(log, messages, told)
        yield from _useless(log)
        yield from _out_of_time(log, told)
        yield from _lost_words(log, messages, told)
        yield from _lost_reactions(log, messages, told, unknown)
        yield from _stored(log, told)
    for (person, room), turned in told.turned.items():
        for problem in _turns(turned, told):
            yield type(problem)(problem.detail, room, person)


def differs(line: Line, right: Line | None, where: RoomId, person: str = "") -> Problem | None:
    """What is wrong with a message that has to be like another."""
    if right is None or right.client_id != line.client_id or right == line:
        return None
    if right.is_deleted and line.text:
        return Exposed(f"rev {line.rev} was deleted and has its words", where, person)
    return Stale(f"rev {line.rev} is {line[3:]} and ought to be {right[3:]}", where, person)


def _unwanted(log: Log, messages: dict[Rev, ClientId], told: Told) -> Iterator[Problem]:
    """What is in the log, and nobody asked for it."""
    wanted: set[Mark] = {(one.person, one.of, one.how, _mark(one)) for one in told.asked.values()}
    edits = [entry.client_id for entry in log.entries if _how(entry) == "edit"]
    for client_id in repeated(edits):
        yield Duplicated(f"{client_id} is in the log twice", log.room)
    for entry in log.entries:
        if not entry.alteration:
            continue
        how, seq, what = entry.alteration
        of = messages.get(seq, ClientId(""))
        asked = told.asked.get(entry.client_id)
        is_other = how == "edit" and (asked is None or asked.how != "edit" or asked.of != of)
        if is_other or (entry.actor, of, how, what) not in wanted:
            yield Phantom(f"nobody wanted the change at rev {entry.rev}", log.room)


def _useless(log: Log) -> Iterator[Problem]:
    """What is in the log, and was decided on what was true no longer."""
    deleted: dict[Rev, Rev] = {}
    marks: dict[tuple[UserId, Rev, str], How] = {}
    for entry in log.entries:
        if not entry.alteration:
            continue
        how, seq, what = entry.alteration
        if seq in deleted and how == "delete":
            yield Duplicated(f"rev {entry.rev} deletes what rev {deleted[seq]} did", log.room)
        elif seq in deleted:
            yield Reordered(f"rev {entry.rev} changes what rev {deleted[seq]} deleted", log.room)
        elif how == "delete":
            deleted[seq] = entry.rev
        elif how in {"react", "unreact"}:
            mark = (entry.actor, seq, what)
            if marks.get(mark, "unreact") == how:
                yield Duplicated(f"rev {entry.rev} changes nothing", log.room)
            marks[mark] = how


def _out_of_time(log: Log, told: Told) -> Iterator[Problem]:
    """An edit that was begun after another one was accepted comes after it."""
    last: dict[Rev, Changing] = {}
    for entry in log.entries:
        asked = told.asked.get(entry.client_id)
        if not entry.alteration or not asked:
            continue
        before, changed = last.get(entry.alteration.of), told.changed.get(entry.client_id)
        if before and changed and changed.at < before.at:
            yield Reordered(f"{entry.client_id} comes after {before.client_id}", log.room)
        if before is None or asked.at > before.at:
            last[entry.alteration.of] = asked


def _lost_words(log: Log, messages: dict[Rev, ClientId], told: Told) -> Iterator[Problem]:
    """Edits and deletions that were accepted and are not in the log."""
    edits = {entry.client_id for entry in log.entries if _how(entry) == "edit"}
    deleted = {messages.get(one.of) for one in _alterations(log) if one.how == "delete"}
    for asked in _accepted(log, told, {"edit", "delete"}):
        is_kept = asked.of in deleted if asked.how == "delete" else asked.client_id in edits
        if not is_kept:
            yield Lost(f"the {asked.how} {asked.client_id} was accepted and is not kept", log.room)


def _lost_reactions(
    log: Log, messages: dict[Rev, ClientId], told: Told, unknown: set[ClientId]
) -> Iterator[Problem]:
    """Reactions whose last change was accepted and is not in the log.

    Where the outcome of any change of one is unknown, it may be either way.
    """
    marks = {
        (who, messages.get(seq), what): how for (who, seq, what), how in marks_after(log).items()
    }
    doubtful = {_key(told.asked[client_id]) for client_id in unknown & told.asked.keys()}
    last = {_key(asked): asked for asked in _accepted(log, told, {"react", "unreact"})}
    for key, asked in last.items():
        if key not in doubtful and marks.get(key, "unreact") != asked.how:
            yield Lost(f"the {asked.how} {asked.client_id} was accepted and is not kept", log.room)


def _stored(log: Log, told: Told) -> Iterator[Problem]:
    """Messages in the store that are not what the log makes of them."""
    expected = lines_after(log, told)
    for line in log.lines:
        if problem := differs(line, expected.get(line.rev), log.room):
            yield problem
    for rev in sorted(expected.keys() - {line.rev for line in log.lines}):
        yield Lost(f"rev {rev} is in the log and not among the messages", log.room)
    for rev in log.bodies:
        yield Exposed(f"the change at rev {rev} is projected and has its words", log.room)


def _turns(turned: list[Turned], told: Told) -> Iterator[Problem]:
    """What one person was told of changes in one room."""
    for rev in repeated(one.rev for one in turned):
        yield Duplicated(f"the change at rev {rev} was announced twice")
    newest: dict[ClientId, Turned] = {}
    for one in turned:
        before = newest.get(one.client_id)
        if before and before.changed > one.changed:
            continue  # an event of before; a client keeps what it has
        newest[one.client_id] = one
        is_gone = one.is_deleted or (before is not None and before.is_deleted)
        if is_gone and one.text:
            yield Exposed(f"{one.client_id} was told with its words, and was deleted")
        elif one.text not in told.words.get(one.client_id, set()):
            yield Phantom(f"nobody said what {one.client_id} was told to be")


def _alterations(log: Log) -> list[Alteration]:
    return [entry.alteration for entry in log.entries if entry.alteration]


def _accepted(log: Log, told: Told, hows: set[How]) -> list[Changing]:
    """What of that kind was accepted in a room, in the order of its asking."""
    return [
        asked
        for client_id, asked in told.asked.items()
        if asked.room == log.room and asked.how in hows and client_id in told.changed
    ]


def _key(asked: Changing) -> tuple[UserId, ClientId | None, str]:
    return asked.person, asked.of, asked.what


def _how(entry: Entry) -> How | None:
    return entry.alteration.how if entry.alteration else None


def _mark(one: Changing) -> str:
    """What a log shows of a change: an emoji, and nothing of what was said."""
    return one.what if one.how in {"react", "unreact"} else ""
