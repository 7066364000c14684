"""A group as its rules have it: who is in, who decides, and what each of them may read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Refusal = Literal["", "not_found", "forbidden", "conflict"]
"""Why something is not done; empty: it is, or it was so already."""


class Said(NamedTuple):
    """What stands in the group's history."""

    seq: int
    sender: str
    kind: Literal["text", "system"]


@dataclass
class Group:
    """Every change takes the next rev, and the note of it the one after that."""

    joined: dict[str, int]
    admins: set[str]
    is_private: bool = True
    most: int = 4
    name: str = ""
    head: int = 1
    history: list[Said] = field(default_factory=list)

    def send(self, who: str) -> Refusal:
        refusal = self.outside(who)
        if not refusal:
            self._say(who, "text")
        return refusal

    def add(self, who: str, users: Sequence[str]) -> Refusal:
        return self._not_admin(who) or self._bring_in(who, users)

    def join(self, who: str) -> Refusal:
        if who not in self.joined and self.is_private:
            return "not_found"
        return self._bring_in(who, [who])

    def remove(self, who: str, user: str) -> Refusal:
        if user == who:
            return self.leave(who)
        refusal = self._not_admin(who) or self._no_member(user)
        if not refusal:
            self._take_out(who, user)
        return refusal

    def leave(self, who: str) -> Refusal:
        refusal = self.outside(who) or self._no_successor(who)
        if not refusal:
            self._take_out(who, who)
        return refusal

    def give_role(self, who: str, user: str, *, is_admin: bool) -> Refusal:
        refusal = self._not_admin(who) or self._no_member(user)
        if refusal or (user in self.admins) == is_admin:
            return refusal
        refusal = self._no_successor(user)
        if not refusal:
            self.admins ^= {user}
            self._note(who)
        return refusal

    def update(self, who: str, name: str, *, is_private: bool, most: int) -> Refusal:
        refusal = self._not_admin(who)
        if refusal:
            return refusal
        if len(self.joined) > most:
            return "conflict"
        if (name, is_private, most) != (self.name, self.is_private, self.most):
            self.name, self.is_private, self.most = name, is_private, most
            self._note(who)
        return ""

    def outside(self, who: str) -> Refusal:
        """What somebody is told who is not in."""
        if who in self.joined:
            return ""
        return "not_found" if self.is_private else "forbidden"

    def people(self) -> list[tuple[str, str]]:
        """Everybody and their role, in the order of their joining."""
        order = sorted(self.joined, key=lambda user: (self.joined[user], user))
        return [(user, "admin" if user in self.admins else "member") for user in order]

    def readable(self, who: str) -> list[Said]:
        """What a member may read."""
        first = self.joined[who] if self.is_private else 0
        return [one for one in self.history if one.seq >= first]

    def unread(self, who: str) -> int:
        """What others have said since the member came in; what the system said does not count."""
        return sum(
            one.seq > self.joined[who] and one.sender != who and one.kind == "text"
            for one in self.history
        )

    def _bring_in(self, who: str, users: Sequence[str]) -> Refusal:
        new = [user for user in users if user not in self.joined]
        if new and len(self.joined) + len(new) > self.most:
            return "conflict"
        if new:
            self.joined |= dict.fromkeys(new, self.head + 1)
            self._note(who)
        return ""

    def _take_out(self, who: str, user: str) -> None:
        del self.joined[user]
        self.admins.discard(user)
        self._note(who)

    def _note(self, who: str) -> None:
        """A change, and what the history says of it."""
        self.head += 1
        self._say(who, "system")

    def _say(self, who: str, kind: Literal["text", "system"]) -> None:
        self.head += 1
        self.history.append(Said(self.head, who, kind))

    def _not_admin(self, who: str) -> Refusal:
        return self.outside(who) or ("" if who in self.admins else "forbidden")

    def _no_member(self, user: str) -> Refusal:
        return "" if user in self.joined else "not_found"

    def _no_successor(self, user: str) -> Refusal:
        return "conflict" if self.admins == {user} else ""
