"""Hostile clients beside the good ones: ``python -m loadtests.bench.siege PORT SIZE SECONDS``."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Final

from loadtests.bench.people import tokens
from loadtests.bench.program import ended, first_line
from tests.e2e.hostile.crowd import besiege
from tests.e2e.hostile.line import Target

LEAST: Final = 40
"""A smaller crowd would not have all kinds of hostility in it."""

_LAST_IN_LINE: Final = 19
_TOKENS: Final = 50
_PATIENCE: Final = 5.0
_BEGUN: Final = "besieging"


class BrokenOff(Exception):
    """The crowd was not there to the end."""


@contextlib.contextmanager
def besieged(port: int, size: int, seconds: float) -> Iterator[None]:
    """Have so many hostile clients at a server, until the end or for so many seconds.

    The crowd is a process of its own on the load's core, and gives way to the load: what
    the good half waits for is the server.
    """
    arguments = (str(port), str(size), str(seconds))
    process = subprocess.Popen(
        [sys.executable, "-m", "loadtests.bench.siege", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    with ended(process):
        first_line(process, _BEGUN)
        yield
        if process.poll() is not None:
            raise BrokenOff("the siege ended before its time")


def main() -> None:
    """Besiege until it is over."""
    port, size, seconds = sys.argv[1:4]
    os.nice(_LAST_IN_LINE)
    targets = [Target(int(port), token) for token in tokens(_TOKENS, room_size=_TOKENS)]
    sys.stdout.write(f"{_BEGUN}\n")
    sys.stdout.flush()
    besiege(targets, int(size), float(seconds), _PATIENCE)


if __name__ == "__main__":
    main()
