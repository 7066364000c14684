"""What is run by hand on this machine, and goes on until it is told to stop."""

import argparse
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import Event


class CannotStart(Exception):
    """A part did not start, and nothing is left running; the text is one line."""


def run_by_hand(name: str, given: Path | None, run: Callable[[Path, Event], None]) -> int:
    """Run something in a folder until SIGINT or SIGTERM sets its event; 1 if it does not start.

    Unless the folder was given it is a temporary one, which goes with what ran, and stays if that
    did not start.
    """
    told = Event()
    for signalled in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signalled, lambda *_: told.set())
    folder = given or Path(tempfile.mkdtemp(prefix=f"whatchat-{name}-"))
    try:
        run(folder, told)
    except (CannotStart, RuntimeError) as error:
        if not told.is_set():
            sys.stderr.write(f"{name}: {error}\n")
            return 1
    if given is None:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def arguments(module: str, description: str) -> argparse.ArgumentParser:
    """A parser that knows ``--dir``."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {module}",
        description=description,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--dir", type=_empty, help="empty folder for data and logs, which stay")
    return parser


def require_free(port: int, whose: str) -> None:
    """Raise :class:`CannotStart` if a port of the loopback address is taken; 0 never is."""
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        raise CannotStart(f"{whose} cannot listen on port {port}: {in_a_line(error)}") from error


def in_a_line(error: Exception) -> str:
    """The first of its lines."""
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0].rstrip(":")


def tell(text: str) -> None:
    """Say something at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _empty(text: str) -> Path:
    folder = Path(text)
    if folder.exists() and any(folder.iterdir()):
        raise argparse.ArgumentTypeError(f"{folder} is not empty")
    return folder
