"""Other programs that a run starts."""

import contextlib
import selectors
import subprocess
from collections.abc import Iterator
from typing import Final

START_SECONDS: Final = 20.0
STOP_SECONDS: Final = 10.0


class CannotStart(Exception):
    """A program did not come up."""


@contextlib.contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[None]:
    """See to it that a program is gone afterwards; what it would do to part is not measured."""
    try:
        yield
    finally:
        process.kill()
        process.wait(STOP_SECONDS)
        if process.stdout is not None:
            process.stdout.close()


def first_line(process: subprocess.Popen[str], begins: str) -> str:
    """The rest of the first line that a program prints; raises if it begins otherwise."""
    if process.stdout is None:
        raise ValueError("the program's output is not read")
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        line = process.stdout.readline().strip() if selector.select(START_SECONDS) else ""
    if not line.startswith(begins):
        raise CannotStart(f"{process.args!r} did not start: {line or 'it is silent'}")
    return line.removeprefix(begins)
