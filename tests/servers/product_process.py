"""The product as its operator runs it: ``whatchat`` in a process of its own."""

import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

READY_SECONDS = 20
STOP_SECONDS = 20
TRACEBACK = "Traceback (most recent call last)"
WHATCHAT = ("-m", "whatchat")
DEPLOYED = Path(__file__).parent / "deployed"
"""What has Python find no library but those that are deployed."""


def inherited() -> dict[str, str]:
    """This process' environment, as one of the product is to have it."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("WHATCHAT_")}
    path = os.pathsep.join(filter(None, (str(DEPLOYED), own.get("PYTHONPATH"))))
    return own | {"PYTHONPATH": path}


class ProductProcess(ABC):
    """One process in one folder, which survives its restarts; its output goes to ``log``.

    Rate limits are off and a drain takes a second, unless ``env`` says otherwise. ``program``
    is what Python runs in place of ``whatchat``. All methods block: a test with clients in its
    own event loop calls ``asyncio.to_thread(process.restart)``.
    """

    def __init__(
        self,
        data_dir: Path,
        env: Mapping[str, str] | None = None,
        *,
        name: str,
        program: Sequence[str] = WHATCHAT,
    ) -> None:
        self.data_dir = data_dir
        self.log = data_dir / f"{name}.log"
        self._name = name
        self._env = dict(env or {})
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id, while it runs."""
        return self._running().pid

    @property
    def has_ended(self) -> bool:
        """Whether it runs no more, or not yet."""
        return self._process is None or self._process.poll() is not None

    def start(self) -> None:
        """Start it and return once it is ready; fails with its output if it never is."""
        if self._process is not None:
            raise RuntimeError(f"the {self._name} is running")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *self._program, *self._arguments()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data_dir,
                env=self._environment(),
                process_group=0,  # the terminal's Ctrl-C is for whoever started it
            )
        self._wait_until_ready()

    def stop(self) -> int:
        """End it as Ctrl-C does (SIGINT): nobody is waited for; its exit status."""
        return self._end(signal.SIGINT)

    def terminate(self) -> int:
        """End it as an orchestrator does (SIGTERM), drain and all; its exit status."""
        return self._end(signal.SIGTERM)

    def ask(self, how: signal.Signals) -> None:
        """Send a signal and leave it at that; :meth:`ended` waits."""
        self._running().send_signal(how)

    def ended(self, *, seconds: float = STOP_SECONDS) -> int:
        """The exit status of a process that ends, once it has."""
        process = self._running()
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"the {self._name} did not end within {seconds} s") from None
        finally:
            self._process = None

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL)."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop and start again, in the same folder."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop it if it runs."""
        if self._process is not None:
            self.stop()

    def log_lines(self) -> list[str]:
        """All that it has written to its output so far, restarts included."""
        return self.log.read_text(errors="replace").splitlines() if self.log.exists() else []

    def tracebacks(self) -> list[str]:
        """Each line that begins a traceback, with the 30 after it."""
        lines = self.log_lines()
        starts = [at for at, line in enumerate(lines) if TRACEBACK in line]
        return ["\n".join(lines[at : at + 31]) for at in starts]

    @abstractmethod
    def _arguments(self) -> Sequence[str]:
        """What the program is told."""

    @abstractmethod
    def _is_ready(self) -> bool:
        """Whether it does its work by now."""

    def _environment(self) -> dict[str, str]:
        defaults = {
            "WHATCHAT_STORE_URL": f"sqlite:///{self.data_dir}/whatchat.db",
            "WHATCHAT_RATE_LIMITS": "off",
            "WHATCHAT_DRAIN_SECONDS": "1",
        }
        return inherited() | defaults | self._env

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self._is_ready():
            ended = self._running().poll()
            if ended is not None or time.monotonic() > deadline:
                fate = "is not ready" if ended is None else f"ended with status {ended}"
                self.kill()
                lines = "\n".join(self.log_lines()[-60:])
                raise AssertionError(f"the {self._name} {fate}:\n{lines}")
            time.sleep(0.05)

    def _end(self, how: signal.Signals) -> int:
        self.ask(how)
        return self.ended()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError(f"the {self._name} is not running")
        return self._process
