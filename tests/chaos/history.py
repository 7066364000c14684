"""What the changes in a log make of its messages."""

from tests.chaos.evidence import Alteration, Entry, Line, Log
from tests.chaos.journal import How
from tests.chaos.told import Told
from whatchat.domain.ids import Rev, UserId


def lines_after(log: Log, told: Told) -> dict[Rev, Line]:
    """Each message that somebody sent, by its rev, as it has to be in the end."""
    lines: dict[Rev, Line] = {}
    for entry in log.entries:
        sent = told.sent.get(entry.client_id)
        if entry.is_message and sent:
            lines[entry.rev] = Line(entry.rev, entry.client_id, sent.person, sent.text)
        elif entry.alteration and (line := lines.get(entry.alteration.of)):
            lines[line.rev] = _after(line, entry, entry.alteration, told)
    return lines


def marks_after(log: Log) -> dict[tuple[UserId, Rev, str], How]:
    """What was last done with each reaction that there ever was."""
    return {
        (entry.actor, entry.alteration.of, entry.alteration.what): entry.alteration.how
        for entry in log.entries
        if entry.alteration and entry.alteration.how in {"react", "unreact"}
    }


def _after(line: Line, entry: Entry, alteration: Alteration, told: Told) -> Line:
    line = line._replace(changed=entry.rev)
    mark = frozenset({(alteration.what, entry.actor)})
    asked = told.asked.get(entry.client_id)
    match alteration.how:
        case "delete":
            return line._replace(text="", is_deleted=True, reactions=frozenset())
        case _ if line.is_deleted:
            return line
        case "edit":
            return line._replace(text=asked.what) if asked else line
        case "react":
            return line._replace(reactions=line.reactions | mark)
        case "unreact":
            return line._replace(reactions=line.reactions - mark)
