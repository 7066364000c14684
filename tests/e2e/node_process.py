"""A node as its operator runs it: ``whatchat serve`` in a process of its own."""

import contextlib
import http.client
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

READY_SECONDS = 20
STOP_SECONDS = 20
TRACEBACK = "Traceback (most recent call last)"


class NodeProcess:
    """One node on one port and one data directory, which survive its restarts.

    Rate limits are off and a drain takes a second, unless ``env`` says otherwise. All methods
    block: a test with clients in its own event loop calls ``asyncio.to_thread(node.restart)``.
    """

    def __init__(self, data_dir: Path, env: Mapping[str, str] | None = None) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.data_dir = data_dir
        self.log = data_dir / "node.log"
        self._env = dict(env or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the running node."""
        return self._running().pid

    def start(self) -> None:
        """Start the node and return once it is ready; fails with its output if it never is."""
        if self._process is not None:
            raise RuntimeError("the node is running")
        command = [sys.executable, "-m", "whatchat", "serve", "--host", "127.0.0.1"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--port", str(self.port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data_dir,
                env=self._environment(),
                process_group=0,  # the terminal's Ctrl-C is for whoever started it
            )
        self._wait_until_ready()

    def stop(self) -> int:
        """End the node as Ctrl-C does (SIGINT): clients are not waited for; its exit status."""
        return self._end(signal.SIGINT)

    def terminate(self) -> int:
        """End the node as an orchestrator does (SIGTERM), drain and all; its exit status."""
        return self._end(signal.SIGTERM)

    def ask(self, how: signal.Signals) -> None:
        """Send a signal and leave it at that; :meth:`ended` waits."""
        self._running().send_signal(how)

    def ended(self, *, seconds: float = STOP_SECONDS) -> int:
        """The exit status of a node that was told to end, once it has."""
        process = self._running()
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"the node did not end within {seconds} s") from None
        finally:
            self._process = None

    def kill(self) -> None:
        """End the node as a power cut would (SIGKILL)."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop and start again, on the same port and data."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop the node if it runs."""
        if self._process is not None:
            self.stop()

    def log_lines(self) -> list[str]:
        """All that the node has written to its output so far, restarts included."""
        return self.log.read_text(errors="replace").splitlines() if self.log.exists() else []

    def tracebacks(self) -> list[str]:
        """Each line that begins a traceback, with the 30 after it."""
        lines = self.log_lines()
        starts = [at for at, line in enumerate(lines) if TRACEBACK in line]
        return ["\n".join(lines[at : at + 31]) for at in starts]

    def _environment(self) -> dict[str, str]:
        inherited = {key: val for key, val in os.environ.items() if not key.startswith("WHATCHAT_")}
        defaults = {
            "WHATCHAT_STORE_URL": f"sqlite:///{self.data_dir}/whatchat.db",
            "WHATCHAT_RATE_LIMITS": "off",
            "WHATCHAT_DRAIN_SECONDS": "1",
        }
        return inherited | defaults | self._env

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self._is_ready():
            ended = self._running().poll()
            if ended is not None or time.monotonic() > deadline:
                fate = "is not ready" if ended is None else f"ended with status {ended}"
                self.kill()
                raise AssertionError(f"the node {fate}:\n" + "\n".join(self.log_lines()[-60:]))
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        probe = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        with contextlib.closing(probe), contextlib.suppress(OSError, http.client.HTTPException):
            probe.request("GET", "/readyz")
            return probe.getresponse().status == 200
        return False

    def _end(self, how: signal.Signals) -> int:
        self.ask(how)
        return self.ended()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the node is not running")
        return self._process


def free_port() -> int:
    """A port that nothing listens on, below those that the system hands to outgoing connections.

    The node can so come back to the port that it had before a restart.
    """
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no free port")
