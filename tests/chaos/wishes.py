"""What people want changed of what was said."""

import random
from collections.abc import Sequence
from typing import NamedTuple

from msgspec import UNSET

from tests.chaos.journal import How
from whatchat.client.views import Message
from whatchat.domain.ids import UserId

RECENT = 10
"""So many of the latest messages of a room are ever changed."""

EMOJIS = ("👍", "❤️", "😂")

WEIGHTS: dict[How, float] = {"edit": 0.35, "delete": 0.15, "react": 0.35, "unreact": 0.15}
"""How often each is chosen where all are possible."""


class Wish(NamedTuple):
    """A change of a message; ``what`` is the new text, or an emoji."""

    message: Message
    how: How
    what: str = ""


def wish(messages: Sequence[Message], me: UserId, text: str) -> Wish | None:
    """Something that this person may do to a recent message of a room, if there is one."""
    recent = [one for one in messages[-RECENT:] if one.deleted_at is UNSET]
    wishes = [*_of_own(recent, me, text), *_of_any(recent, me)]
    if not wishes:
        return None
    hows = sorted({one.how for one in wishes})
    [how] = random.choices(hows, [WEIGHTS[each] for each in hows])
    return random.choice([one for one in wishes if one.how == how])


def _of_own(recent: Sequence[Message], me: UserId, text: str) -> list[Wish]:
    own = [one for one in recent if one.sender.id == me]
    return [Wish(one, "edit", text) for one in own] + [Wish(one, "delete") for one in own]


def _of_any(recent: Sequence[Message], me: UserId) -> list[Wish]:
    wishes = []
    for one in recent:
        mine = {each.emoji for each in one.reactions if me in each.users}
        wishes += [Wish(one, "unreact", emoji) for emoji in sorted(mine)]
        wishes += [Wish(one, "react", emoji) for emoji in EMOJIS if emoji not in mine]
    return wishes
