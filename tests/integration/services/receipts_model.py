"""How far everybody has got in a room, and how much of that others may know."""

from dataclasses import dataclass, field
from typing import NamedTuple


class Got(NamedTuple):
    """How far somebody has received and read."""

    delivered: int = 0
    read: int = 0


class Said(NamedTuple):
    """A message; ``unheard`` is from whom it is hidden."""

    seq: int
    sender: str
    unheard: str | None


@dataclass
class Ledger:
    """A room: cursors only grow, and nothing is shown later that was not when it was told."""

    members: tuple[str, ...]
    is_direct: bool
    head: int = 1
    said: list[Said] = field(default_factory=list)
    true: dict[str, Got] = field(default_factory=dict)
    shown: dict[str, Got] = field(default_factory=dict)
    devices: dict[str, dict[str, int]] = field(default_factory=dict)

    def send(self, who: str, unheard: str | None) -> None:
        self.head += 1
        self.said.append(Said(self.head, who, unheard if self.is_direct else None))

    def mark(
        self, who: str, device: str, seq: int, *, is_read: bool, is_open: bool, is_across: bool
    ) -> None:
        """``is_open``: others may know what is read; ``is_across``: there is a block between."""
        if seq:
            devices = self.devices.setdefault(who, {})
            devices[device] = max(seq, devices.get(device, 0))
        known, shown = self.true.get(who, Got()), self.shown.get(who, Got())
        visible = self._visible(who, seq, is_across=is_across)
        if is_read and seq > known.read:
            known = known._replace(read=seq)
            if is_open:
                shown = Got(max(shown.delivered, visible), max(shown.read, visible))
        if seq > known.delivered:
            known = known._replace(delivered=seq)
            shown = shown._replace(delivered=max(shown.delivered, visible))
        self.true[who], self.shown[who] = known, shown

    def known_to(self, viewer: str) -> dict[str, Got]:
        """How far those have got, as far as somebody may know, who have got anything."""
        found = {
            one: (self.true if one == viewer else self.shown).get(one, Got())
            for one in self.members
        }
        return {one: got for one, got in found.items() if any(got)}

    def unread(self, viewer: str) -> int:
        """How many by others are new."""
        read = self.true.get(viewer, Got()).read
        heard = [one for one in self.said if one.sender != viewer and one.unheard != viewer]
        return sum(one.seq > read for one in heard)

    def own(self, author: str) -> list[int]:
        """What an author said that the others heard."""
        return [one.seq for one in self.said if one.sender == author and one.unheard is None]

    def _visible(self, who: str, seq: int, *, is_across: bool) -> int:
        """What others may know of somebody's having got to ``seq``."""
        if not self.is_direct:
            return seq
        seen = [one.seq for one in self.said if one.unheard != who and one.seq <= seq]
        return max(seen, default=0) if not is_across else 0
