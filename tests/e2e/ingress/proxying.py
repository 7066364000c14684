"""From annotations to a proxy's own configuration, as the controllers do it."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

_DURATION = re.compile(r"(\d+)(ms|s|m|h|)\Z")
_MILLISECONDS = {"ms": 1, "s": 1000, "": 1000, "m": 60_000, "h": 3_600_000}


class UnknownAnnotation(Exception):
    """The chart says something that no controller is known to read there."""


class Place(NamedTuple):
    """Where the proxy listens, keeps its files, and finds pods.

    ``hurry`` is what all timeouts are divided by, the preset's and the controller's own alike:
    with 30, a default of 60 s is over after 2 s.
    """

    folder: Path
    port: int
    pods: Sequence[str]
    hurry: float = 1

    def timeout(self, duration: str) -> str:
        """``60s``, or ``60`` for as many seconds, in the milliseconds that both proxies take."""
        found = _DURATION.match(duration)
        if found is None:
            raise ValueError(f"{duration!r} is no duration")
        return f"{max(1, round(int(found[1]) * _MILLISECONDS[found[2]] / self.hurry))}ms"
