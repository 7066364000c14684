"""A real HAProxy that knows of pods what Kubernetes tells a controller, and nothing else."""

import socket
from pathlib import Path
from typing import Final, Literal

from tests.e2e.node_process import free_port
from tests.servers.answering import answers
from tests.servers.haproxy import COOKIE, HAProxy, _most_connections

SLOTS: Final = 40
RUNTIME_SECONDS: Final = 5

State = Literal["ready", "drain", "maint"]
"""Of a pod: takes everybody, those with its cookie alone, nobody."""

CONFIGURATION = """\
global
    maxconn {most}
    hard-stop-after 1s
    noreuseport
    log stdout format raw daemon
    stats socket ipv4@127.0.0.1:{runtime} level admin

defaults
    mode http
    log global
    # Neither queries nor cookies: session ids are in them.
    log-format "%HM %HP %ST by %s in %Ta ms, ended %ts"
    timeout connect 2s
    timeout http-request 10s
    timeout http-keep-alive 60s
    # A poll hangs, and a WebSocket is silent, for a heartbeat at the most.
    timeout client 90s
    timeout server 90s
    timeout tunnel 90s

frontend clients
    bind 127.0.0.1:{port}
    default_backend pods

frontend metrics
    bind 127.0.0.1:{metrics}
    no log
    http-request use-service prometheus-exporter if {{ path /metrics }}
    http-request return status 404

backend pods
    balance {balance}
    cookie {cookie} insert indirect nocache httponly
    option forwardfor
    # What a pod refuses is seen: nothing is tried again, nobody is sent elsewhere.
    retries 0

{servers}
"""


class Ingress(HAProxy):
    """Has places for pods that come and go while it runs, each with a cookie of its own."""

    def __init__(self, folder: Path, *, balance: str = "leastconn") -> None:
        super().__init__(folder, ())
        self._runtime_port = free_port()
        self._balance = balance
        self._taken = 0

    def place(self, port: int) -> str:
        """The name of a new place for a pod on that loopback port; nobody is sent there yet."""
        self._taken += 1
        if self._taken > SLOTS:
            raise RuntimeError(f"more than {SLOTS} pods came")
        name = f"pod-{self._taken}"
        self._tell(f"set server pods/{name} addr 127.0.0.1 port {port}")
        return name

    def turn(self, name: str, state: State) -> None:
        """Who is sent to a place from now on; connections that are there stay."""
        self._tell(f"set server pods/{name} state {state}")

    def _tell(self, command: str) -> None:
        address = "127.0.0.1", self._runtime_port
        with socket.create_connection(address, RUNTIME_SECONDS) as runtime:
            runtime.sendall(f"{command}\n".encode())
            answer = runtime.makefile().read().strip()
        if answer and "changed" not in answer and "nothing" not in answer:
            raise RuntimeError(f"HAProxy on {command!r}: {answer}")

    def _configured(self) -> str:
        servers = (
            f"    server pod-{number} 127.0.0.1:1 cookie pod-{number} disabled"
            for number in range(1, SLOTS + 1)
        )
        return CONFIGURATION.format(
            most=_most_connections(),
            port=self.port,
            metrics=self._metrics_port,
            runtime=self._runtime_port,
            balance=self._balance,
            cookie=COOKIE,
            servers="\n".join(servers),
        )

    def _is_ready(self) -> bool:
        """Pods come later."""
        return answers(self._metrics_port, "/metrics")
