"""What commands write for programs that read it."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


@contextmanager
def readers_may_leave() -> Iterator[None]:
    """End quietly what writes to standard output once whoever reads has enough."""
    try:
        yield
    except BrokenPipeError:
        # So that nothing is left for the interpreter to flush.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_lines(lines: Iterable[bytes]) -> None:
    """Write lines to standard output, for as long as somebody reads them."""
    with readers_may_leave():
        for line in lines:
            sys.stdout.buffer.write(line + b"\n")
        sys.stdout.buffer.flush()
