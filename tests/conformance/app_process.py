"""The conformance app as other people's suites meet it: in a process of its own."""

import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

Kind = Literal["engineio", "socketio"]

ROOT = Path(__file__).parents[2]
READY_SECONDS = 20
STOP_SECONDS = 10
LISTENING = re.compile(r"^listening on (\d+)$", re.MULTILINE)


class AppProcess:
    """``python -m tests.conformance.app`` on a free port, from entering to leaving the block.

    Entering returns once it listens, or fails with what it wrote. Both ends block: a test
    with tasks in its own event loop goes through a thread.
    """

    def __init__(
        self,
        kind: Kind,
        *,
        ping_interval_ms: int = 25_000,
        ping_timeout_ms: int = 20_000,
        max_payload: int = 65_536,
    ) -> None:
        self.port = 0
        self._command = [
            *(sys.executable, "-m", "tests.conformance.app", kind),
            *("--port", "0"),
            *("--ping-interval-ms", str(ping_interval_ms)),
            *("--ping-timeout-ms", str(ping_timeout_ms)),
            *("--max-payload", str(max_payload)),
        ]
        self._directory = tempfile.TemporaryDirectory(prefix="conformance-app-")
        self._log = Path(self._directory.name) / "app.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the running app."""
        return self._running().pid

    def output(self) -> str:
        """All that the app has written so far, its log included."""
        return self._log.read_text(errors="replace")

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT
            )
        try:
            self.port = self._await_port()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _await_port(self) -> int:
        deadline = time.monotonic() + READY_SECONDS
        while (line := LISTENING.search(self.output())) is None:
            ended = self._running().poll()
            if ended is not None or time.monotonic() > deadline:
                fate = "does not listen" if ended is None else f"ended with status {ended}"
                raise AssertionError(f"the app {fate}:\n{self.output()}")
            time.sleep(0.02)
        return int(line[1])

    def _end(self) -> None:
        process, self._process = self._running(), None
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"the app ignored SIGTERM for {STOP_SECONDS} s") from None
        finally:
            self._directory.cleanup()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the app is not running")
        return self._process
