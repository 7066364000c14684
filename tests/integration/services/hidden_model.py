"""What each person sees where some write unheard: everybody has a copy of their own."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

Refusal = Literal["", "not_found", "forbidden"]
"""Why something is not done; empty: it is."""

Mark = tuple[str, str]
"""An emoji, and whose it is."""


@dataclass(frozen=True)
class Copy:
    """A message as one person sees it."""

    seq: int
    rev: int
    sender: str
    content: str
    reply_to: int | None = None
    is_edited: bool = False
    is_deleted: bool = False
    marks: frozenset[Mark] = frozenset()


@dataclass
class Book:
    """A room: ``unheard`` is whom each change in it is hidden from, as things are now.

    What is hidden when written is never copied to those people, and a change of a message
    that they have no copy of is none to them.
    """

    members: tuple[str, ...]
    admins: Collection[str] = ()
    concealed: str | None = None
    head: int = 1
    copies: dict[str, dict[int, Copy]] = field(default_factory=dict)
    read: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.copies = {one: {} for one in self.members}
        self.read = dict.fromkeys(self.members, 1)

    def send(self, who: str, text: str, reply_to: int | None, unheard: Collection[str]) -> Refusal:
        if self._is_unknown(who, reply_to):
            return "not_found"
        self.head += 1
        copy = Copy(self.head, self.head, who, text, reply_to)
        for viewer in self._hearing(reply_to, unheard):
            self.copies[viewer][self.head] = copy
        return ""

    def edit(self, who: str, seq: int, text: str, unheard: Collection[str]) -> Refusal:
        if self._is_gone(who, seq):
            return "not_found"
        own = self.copies[who][seq]
        if own.sender != who:
            return "forbidden"
        if own.content != text:
            self.head += 1
            for viewer in self._hearing(seq, unheard):
                self._change(viewer, seq, content=text, is_edited=True)
        return ""

    def delete(self, who: str, seq: int) -> Refusal:
        if self._is_unknown(who, seq):
            return "not_found"
        own = self.copies[who][seq]
        if own.sender != who and who not in self.admins:
            return "forbidden"
        if not own.is_deleted:
            self.head += 1
            for viewer in self._hearing(seq, ()):
                self._change(
                    viewer, seq, content="", is_edited=False, is_deleted=True, marks=frozenset()
                )
        return ""

    def react(self, who: str, seq: int, emoji: str, unheard: Collection[str]) -> Refusal:
        if self._is_gone(who, seq):
            return "not_found"
        mark = (emoji, who)
        if mark not in self.copies[who][seq].marks:
            self.head += 1
            for viewer in self._hearing(seq, unheard):
                self._change(viewer, seq, marks=self.copies[viewer][seq].marks | {mark})
        return ""

    def unreact(self, who: str, seq: int, emoji: str) -> Refusal:
        """Hidden from those from whom the reaction was."""
        if self._is_gone(who, seq):
            return "not_found"
        mark = (emoji, who)
        if mark in self.copies[who][seq].marks:
            self.head += 1
            for viewer in self._hearing(seq, ()):
                marks = self.copies[viewer][seq].marks
                if mark in marks:
                    self._change(viewer, seq, marks=marks - {mark})
        return ""

    def reveal(self, who: str) -> None:
        """The room is there for somebody from now on."""
        if self.concealed == who:
            self.concealed = None

    def see(self, viewer: str) -> list[Copy]:
        """The room's messages."""
        return [copy for _, copy in sorted(self.copies[viewer].items())]

    def unread(self, viewer: str) -> int:
        """How many by others are new."""
        seen = self.see(viewer)
        return sum(one.sender != viewer and one.seq > self.read[viewer] for one in seen)

    def _is_unknown(self, who: str, seq: int | None) -> bool:
        return who == self.concealed or (seq is not None and seq not in self.copies[who])

    def _is_gone(self, who: str, seq: int) -> bool:
        return self._is_unknown(who, seq) or self.copies[who][seq].is_deleted

    def _hearing(self, seq: int | None, unheard: Collection[str]) -> list[str]:
        """Whose copy changes with a change of a message, or of what answers it."""
        return [
            one
            for one in self.members
            if one not in unheard and (seq is None or seq in self.copies[one])
        ]

    def _change(self, viewer: str, seq: int, **changed: object) -> None:
        copy = self.copies[viewer][seq]
        self.copies[viewer][seq] = Copy(**{**vars(copy), **changed, "rev": self.head})
