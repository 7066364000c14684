"""The processes of servers that tests start."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

LOOK_SECONDS = 0.02


class ServerProcess:
    """A server that is up, or is not. All methods block."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_there(self) -> bool:
        """Whether it was started, and not ended from here."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """Its process now."""
        return self._running().pid

    def start(
        self,
        command: Sequence[str | Path],
        log: Path | None,
        *,
        anew: bool = True,
        folder: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Start it; what it says goes to the ``log``, which is written ``anew``, or to nobody."""
        if self._process is not None:
            raise RuntimeError(f"{self._name} is running")
        with (log or Path(os.devnull)).open("wb" if anew else "ab") as says:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=says,
                stderr=says,
                process_group=0,  # the terminal's Ctrl-C is for whoever started it
            )

    def comes_up(self, answers: Callable[[], bool], *, seconds: float) -> bool:
        """Ask until it ``answers``; false if it ends, or does not within so many seconds."""
        deadline = time.monotonic() + seconds
        while self._running().poll() is None and time.monotonic() < deadline:
            if answers():
                return True
            time.sleep(LOOK_SECONDS)
        return False

    def send(self, kind: signal.Signals) -> None:
        """Send it a signal."""
        self._running().send_signal(kind)

    def end(self, how: signal.Signals, *, seconds: float) -> None:
        """End it by a signal, also while it is paused; kill it if that takes longer.

        Harmless if it is not up.
        """
        if self._process is None:
            return
        process, self._process = self._process, None
        process.send_signal(how)
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"{self._name} is not running")
        return self._process


def children_of(pid: int) -> set[int]:
    """The processes that one has started, and that are there."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return {int(child) for child in listed.read_text().split()}
