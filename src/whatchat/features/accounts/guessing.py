"""Which passwords are soon guessed."""

import re
import threading
from collections.abc import Iterator
from typing import Final

from zxcvbn import zxcvbn

JUDGED: Final = 24
"""So many characters are judged at each end of a password.

What zxcvbn takes grows with the cube of the length: at most 30 ms for 24 characters, more than
half a minute for 256 well chosen ones.
"""

GUESSABLE_SCORE: Final = 1
"""Fewer than a million guesses, by zxcvbn's reckoning."""

SHORTEST_PART: Final = 3

_ALIKE: Final = str.maketrans("@{[<!|$+", "4(((1157")
"""Characters that stand for one letter, as one: zxcvbn tries all combinations of them."""

_one_at_a_time: Final = threading.Lock()
"""zxcvbn keeps the words it was given in a global."""


def is_guessable(password: str, *names: str) -> bool:
    """Whether somebody who knows the ``names`` would find the password within a million guesses.

    A long one is guessable only if it is so at both its ends. Blocks for up to some 60 ms:
    to be run in a thread.
    """
    words = [*_words(*names), "whatchat"]
    ends = dict.fromkeys((password[:JUDGED], password[-JUDGED:]))
    return all(_score(end, words) <= GUESSABLE_SCORE for end in ends)


def _score(password: str, words: list[str]) -> int:
    with _one_at_a_time:
        score: int = zxcvbn(password.translate(_ALIKE), user_inputs=words)["score"]
    return score


def _words(*names: str) -> Iterator[str]:
    """The names and what they are made of, as far as a password's end can hold them."""
    for name in names:
        yield name[:JUDGED]
        for part in re.split(r"[\W_]+", name):
            if len(part) >= SHORTEST_PART:
                yield part[:JUDGED]
