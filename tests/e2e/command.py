"""What is run by hand: a command that goes on until it is told to stop."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
STOP_SECONDS = 20


def running_in(folder: Path) -> list[str]:
    """The commands of the processes that work in a folder, or were given something in it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_text().replace("\0", " ")
            if (process / "cwd").readlink().is_relative_to(folder) or str(folder) in words:
                found.append(words)
    return found


class Command:
    """One of ``tests.servers`` in a process group of its own, as a terminal has it."""

    def __init__(self, name: str, folder: Path, *options: str, **env: str) -> None:
        self.folder = folder
        self._name = name
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", f"tests.servers.{name}"),
                *("--port", "0", "--dir", str(folder), *options),
            ],
            cwd=ROOT,
            env=os.environ | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def reads(self, beginning: str) -> list[str]:
        """The lines that it prints up to the one that begins so."""
        assert self.process.stdout
        lines = []
        for line in iter(self.process.stdout.readline, ""):
            lines.append(line.rstrip("\n"))
            if line.startswith(beginning):
                return lines
        raise AssertionError(f"not a word of {beginning!r}: {lines}")

    def ended(self) -> tuple[int, str]:
        """Its status, and what it says is wrong, once it has ended and left nothing running."""
        _, errors = self.process.communicate(timeout=STOP_SECONDS)
        assert running_in(self.folder) == []
        assert len(errors.splitlines()) == bool(errors)
        return self.process.returncode, errors.removeprefix(f"{self._name}: ").partition(":")[0]

    def close(self) -> None:
        """End it if it still runs."""
        self.process.terminate()
        self.process.communicate(timeout=STOP_SECONDS)
