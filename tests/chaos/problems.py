"""What can be wrong with a chat."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """Something that must not be; ``room`` and ``person`` say where and for whom."""

    detail: str
    room: str = ""
    person: str = ""

    def __str__(self) -> str:
        where = f" in {self.room}" if self.room else ""
        who = f" for {self.person}" if self.person else ""
        return f"{type(self).__name__}{where}{who}: {self.detail}"


class Lost(Problem):
    """A message or a change was accepted, or is in the log, and somebody does not have it."""


class Duplicated(Problem):
    """A message or a change is there twice."""


class Reordered(Problem):
    """Messages are not in the order of their revs, or revs not in the order of their sending."""


class Phantom(Problem):
    """Somebody sees what nobody said."""


class Foreign(Problem):
    """Somebody got what was said in a room that this person is not in."""


class Gap(Problem):
    """A rev is missing."""


class Divergent(Problem):
    """At one rev there are different messages, or one message is at different revs."""


class Stale(Problem):
    """A message is not as its changes have left it."""


class Exposed(Problem):
    """What was said in a message is still there, or is shown, though the message was deleted."""


class Pending(Problem):
    """Something is neither done nor undone."""


class Refused(Problem):
    """The server did not want what it has to accept."""


class Late(Problem):
    """Something took longer than is promised."""


class Unasked(Problem):
    """A client looked for what it may have missed, and had no reason: the proof is void."""


class Silent(Problem):
    """A process that ran did not say that it lives."""


class Crashed(Problem):
    """A process logged a traceback, or has ended by itself."""


class Unfinished(Problem):
    """The trial did not come to its end."""
