"""A real HAProxy that knows of pods what Kubernetes tells a controller, and nothing else."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, Protocol

from tests.e2e.node_process import free_port
from tests.servers.answering import answers
from tests.servers.haproxy import HAProxy

SLOTS: Final = 40
RUNTIME_SECONDS: Final = 5

State = Literal["ready", "drain", "maint"]
"""Of a pod: takes everybody, those with its cookie alone, nobody."""

BACKEND = """\
    # What a pod refuses is seen: nothing is tried again, nobody is sent elsewhere.
    retries 0
"""


class Places(Protocol):
    """What is told which pods come and go."""

    def place(self, port: int) -> str:
        """The name of a new place for a pod on that loopback port; nobody is sent there yet."""
        ...

    def turn(self, name: str, state: State) -> None:
        """Who is sent to a place from now on; connections that are there stay."""
        ...


class Ingress(HAProxy):
    """Has places for pods that come and go while it runs, each with a cookie of its own."""

    def __init__(
        self, folder: Path, port: int = 0, *, balance: str = "leastconn", shared: bool = False
    ) -> None:
        super().__init__(folder, (), port, balance=balance, shared=shared)
        self._runtime_port = free_port()
        self._taken = 0

    def place(self, port: int) -> str:
        self._taken += 1
        if self._taken > SLOTS:
            raise RuntimeError(f"more than {SLOTS} pods came")
        name = f"pod-{self._taken}"
        self._tell(f"set server pods/{name} addr 127.0.0.1 port {port}")
        return name

    def turn(self, name: str, state: State) -> None:
        self._tell(f"set server pods/{name} state {state}")

    def _tell(self, command: str) -> None:
        address = "127.0.0.1", self._runtime_port
        with socket.create_connection(address, RUNTIME_SECONDS) as runtime:
            runtime.sendall(f"{command}\n".encode())
            answer = runtime.makefile().read().strip()
        if answer and "changed" not in answer and "nothing" not in answer:
            raise RuntimeError(f"HAProxy on {command!r}: {answer}")

    def _control(self) -> str:
        return f"    stats socket ipv4@127.0.0.1:{self._runtime_port} level admin\n"

    def _backend(self) -> str:
        return BACKEND

    def _servers(self) -> Iterator[str]:
        for number in range(1, SLOTS + 1):
            yield f"    server pod-{number} 127.0.0.1:1 cookie pod-{number} disabled"

    def _is_ready(self) -> bool:
        """Pods come later."""
        return answers(self._metrics_port, "/metrics")


class Ingresses:
    """Several of them on one port, who are told the same; so many connections fit no single one.

    Each is an :class:`Ingress` in ``each``. All methods block.
    """

    def __init__(self, folder: Path, count: int, *, balance: str = "leastconn") -> None:
        port, shared = free_port(), count > 1
        self.each = [
            Ingress(folder / f"haproxy-{number}", port, balance=balance, shared=shared)
            for number in range(1, count + 1)
        ]
        self.url = self.each[0].url

    def start(self) -> None:
        """Start one after the other."""
        for ingress in self.each:
            ingress.start()

    def stop(self) -> None:
        """End all; harmless for those that are not up."""
        for ingress in self.each:
            ingress.stop()

    def place(self, port: int) -> str:
        [name] = {ingress.place(port) for ingress in self.each}
        return name

    def turn(self, name: str, state: State) -> None:
        for ingress in self.each:
            ingress.turn(name, state)
