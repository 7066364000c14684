"""How long to wait before trying again."""

import random
from typing import Final

_random: Final = random.SystemRandom()


class Backoff:
    """Delays in seconds that double from ``first`` to ``most``, each with half of it jitter."""

    def __init__(self, *, first: float, most: float) -> None:
        self._first = first
        self._most = most
        self._attempts = 0

    def next(self) -> float:
        """The delay before the next attempt."""
        ceiling = min(self._most, self._first * 2.0 ** min(self._attempts, 32))
        self._attempts += 1
        return ceiling * _random.uniform(0.5, 1)

    def reset(self) -> None:
        """Begin anew, after a success."""
        self._attempts = 0


def jitter(most: float) -> float:
    """Up to ``most`` seconds, so that many do not come at once."""
    return _random.uniform(0, most)
