"""The pods behind a name, each by its own address."""

import socket
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from whatchat.domain.urls import http_url
from whatchat.entrypoints.checks.peer import CheckFailed, Peer
from whatchat.settings import DEFAULT_PORT


class PodAddress(NamedTuple):
    """Where one pod is."""

    url: str
    internal: str
    """Where its probes are."""

    def require_ready(self) -> None:
        """Raises :class:`CheckFailed` that says what does not answer."""
        answer = Peer(self.internal).ask("GET", "/readyz")
        if answer.status == 200:
            return
        failing = "; ".join(_failing(answer.json())) or f"status {answer.status}"
        raise CheckFailed(f"{self.url} is not ready: {failing}")


def find_pods(names: Sequence[str], internal_port: int) -> list[PodAddress]:
    """All pods that ``HOST`` or ``HOST:PORT`` stand for; with port 0 probes are on the main one.

    A headless service's name has the addresses of all its pods. Raises :class:`CheckFailed`.
    """
    return [
        PodAddress(http_url(address, port), http_url(address, internal_port or port))
        for name in names
        for address, port in _addresses(name)
    ]


def _failing(told: Any) -> list[str]:
    """What does not answer a pod, and why where it says so."""
    if not isinstance(told, dict):
        return []
    reasons = told.get("reasons", {})
    states = told.get("dependencies", {})
    failing = [name for name, state in states.items() if state != "ok"]
    return [f"{name}: {reasons[name]}" if name in reasons else name for name in failing]


def _addresses(name: str) -> list[tuple[str, int]]:
    try:
        parts = urlsplit(f"//{name}")
        host, port = parts.hostname or "", parts.port or DEFAULT_PORT
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CheckFailed(f"{name} has no address: {reason}") from None
    return [(address, port) for address in sorted({str(one[4][0]) for one in found})]
