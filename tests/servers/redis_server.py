"""A real ``redis-server`` for tests."""

import contextlib
import shutil
import signal
import socket
import ssl
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from hiredis import Reader, ReplyError, pack_command

from tests.e2e.node_process import free_port
from tests.servers.processes import ServerProcess

READY_SECONDS = 10
ATTEMPTS = 5


class TlsFiles(NamedTuple):
    """Certificates: who signs, and what the server shows."""

    ca: Path
    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """What a client trusts."""
        return ssl.create_default_context(cafile=str(self.ca))


class RedisServer:
    """One server on a loopback port that survives its restarts; it keeps nothing on disk.

    All methods block. What ends it also works while it is paused. With ``sentinel``, a
    configuration file, it is a sentinel.
    """

    def __init__(
        self,
        folder: Path,
        options: Sequence[str] = (),
        *,
        tls: TlsFiles | None = None,
        sentinel: Path | None = None,
    ) -> None:
        if shutil.which("redis-server") is None:
            raise RuntimeError("redis-server is missing: run `make tools`")
        self.port = 0
        self._folder = folder
        self._options = options
        self._tls = tls
        self._sentinel = sentinel
        self._process = ServerProcess("redis-server")

    @property
    def url(self) -> str:
        """Where clients find it."""
        if self._tls is not None:
            return f"rediss://127.0.0.1:{self.port}?ca={self._tls.ca}"
        return f"redis://127.0.0.1:{self.port}"

    @property
    def is_up(self) -> bool:
        """Whether it was started, and not ended from here."""
        return self._process.is_there

    @property
    def pid(self) -> int:
        """Its process now."""
        return self._process.pid

    @property
    def address(self) -> tuple[str, int]:
        """The same, for a socket."""
        return "127.0.0.1", self.port

    def start(self) -> None:
        """Start the server, empty, and return once it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for _ in range(1 if self.port else ATTEMPTS):
            port = self.port or free_port()
            self._process.start(self._program(port), self._log, folder=self._folder)
            if self._process.comes_up(partial(self._answers, port), seconds=READY_SECONDS):
                self.port = port
                return
            self.kill()  # somebody else has taken the port, most likely
        raise AssertionError("redis-server did not start:\n" + self.log())

    def stop(self) -> None:
        """End the server, and its connections, as its operator would; harmless if it is not up."""
        self._process.end(signal.SIGTERM, seconds=READY_SECONDS)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._process.end(signal.SIGKILL, seconds=READY_SECONDS)

    def restart(self) -> None:
        """Crash, and come back empty on the same port."""
        self.kill()
        self.start()

    def pause(self) -> None:
        """Stop it in its tracks: its connections stay open, and nothing answers."""
        self._process.send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._process.send(signal.SIGCONT)

    def command(self, *arguments: str | bytes | int) -> Any:
        """Its answer to one command, over a connection made for that."""
        return self._command(self.port, *arguments)

    def log(self) -> str:
        """What it has logged since its latest start."""
        return self._log.read_text() if self._log.exists() else ""

    @property
    def _log(self) -> Path:
        return self._folder / "redis.log"

    def _program(self, port: int) -> list[str]:
        listen = ["--port", str(port)]
        if self._tls is not None:
            listen = ["--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no"]
            listen += ["--tls-ca-cert-file", str(self._tls.ca)]
            listen += ["--tls-cert-file", str(self._tls.certificate)]
            listen += ["--tls-key-file", str(self._tls.key)]
        role = ["--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0"]
        command = ["redis-server"]
        if self._sentinel is not None:
            command, role = [*command, str(self._sentinel)], ["--sentinel"]
        return [*command, "--bind", "127.0.0.1", *listen, *role, *self._options]

    def _answers(self, port: int) -> bool:
        with contextlib.suppress(OSError):
            answer = self._command(port, "PING")
            return not isinstance(answer, ReplyError) or "NOAUTH" in str(answer)
        return False

    def _command(self, port: int, *arguments: str | bytes | int) -> Any:
        reader = Reader(notEnoughData=self)
        with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
            line = plain
            if self._tls is not None:
                line = self._tls.context().wrap_socket(plain, server_hostname="127.0.0.1")
            with line:
                line.sendall(pack_command(arguments))  # type: ignore[arg-type]  # wrongly typed
                while (answer := reader.gets()) is self:
                    if not (data := line.recv(65_536)):
                        raise ConnectionError("redis-server closed the connection")
                    reader.feed(data)
        return answer
