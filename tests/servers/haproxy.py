"""A real HAProxy in front of pods, as a sticky ingress is."""

import resource
import shutil
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.e2e.node_process import free_port
from tests.servers.answering import answers
from tests.servers.processes import ServerProcess

COOKIE = "WHATCHAT"
READY_SECONDS = 10
SPARE_DESCRIPTORS = 500
MOST_CONNECTIONS = 50_000

CONFIGURATION = """\
global
    maxconn {most}
    hard-stop-after 1s
{sharing}    log stdout format raw daemon
{control}
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
{backend}
{servers}
"""

BACKEND = """\
    # Pods close idle connections when they like: each request has one of its own.
    option http-server-close

    # A pod that answers "not ready" keeps the sessions that it has and gets no others; one that
    # does not answer is down; a slow one is not.
    option httpchk GET /readyz
    timeout check 10s
    http-check expect status 200 error-status L7OKC
    default-server check inter 500ms fastinter 200ms fall 2 rise 1

    # A pod that is going refuses newcomers, whatever their cookie says: they go to another.
    acl newcomer path_beg /socket.io/
    acl in_session url_param(sid) -m found
    http-request disable-l7-retry unless METH_GET newcomer !in_session
    option redispatch 1
    retries 3
    retry-on conn-failure 503
"""


class HAProxy:
    """Listens on a loopback port, which survives its restarts, and sends clients to pods.

    A client stays on its pod by a cookie, which clients' libraries keep for the name
    ``localhost`` and often not for an address. ``pods`` are hosts and ports. Its own metrics are
    at ``metrics_address``. ``shared``: others may listen on its port, and the kernel gives each
    connection to one of them. All methods block.
    """

    def __init__(
        self,
        folder: Path,
        pods: Sequence[str],
        port: int = 0,
        *,
        balance: str = "leastconn",
        shared: bool = False,
    ) -> None:
        if shutil.which("haproxy") is None:
            raise RuntimeError("haproxy is missing: run `make tools`")
        self.port = port or free_port()
        self.url = f"http://localhost:{self.port}"
        self._metrics_port = free_port()
        self.metrics_address = f"127.0.0.1:{self._metrics_port}"
        self.log = folder / "haproxy.log"
        self._configuration = folder / "haproxy.cfg"
        self._pods = pods
        self._balance = balance
        self._shared = shared
        self._process = ServerProcess("HAProxy")

    @property
    def pid(self) -> int:
        """Its process now."""
        return self._process.pid

    def start(self) -> None:
        """Start it and return once a pod answers through it."""
        self._configuration.parent.mkdir(parents=True, exist_ok=True)
        self._configuration.write_text(self._configured())
        self._process.start(["haproxy", "-db", "-f", self._configuration], self.log, anew=False)
        if not self._process.comes_up(self._is_ready, seconds=READY_SECONDS):
            self.kill()
            raise AssertionError("HAProxy did not start:\n" + "\n".join(self.log_lines()[-20:]))

    def stop(self) -> None:
        """End it as its operator would: what goes on after a second is cut."""
        self._process.end(signal.SIGUSR1, seconds=READY_SECONDS)

    def kill(self) -> None:
        """End it, and all connections through it, at once."""
        self._process.end(signal.SIGKILL, seconds=READY_SECONDS)

    def log_lines(self) -> list[str]:
        """All that it has logged, a line for each request that has ended."""
        return self.log.read_text(errors="replace").splitlines() if self.log.exists() else []

    def _configured(self) -> str:
        return CONFIGURATION.format(
            most=_most_connections(),
            sharing="" if self._shared else "    noreuseport\n",
            control=self._control(),
            port=self.port,
            metrics=self._metrics_port,
            balance=self._balance,
            cookie=COOKIE,
            backend=self._backend(),
            servers="\n".join(self._servers()),
        )

    def _control(self) -> str:
        """Lines by which it is told things while it runs."""
        return ""

    def _backend(self) -> str:
        """Lines on when a pod is up, and what becomes of a request that one refuses."""
        return BACKEND

    def _servers(self) -> Iterator[str]:
        """A line for each pod."""
        for number, address in enumerate(self._pods, 1):
            yield f"    server pod-{number} {address} cookie pod-{number}"

    def _is_ready(self) -> bool:
        """Of a port that is shared another may answer, but not of its own metrics."""
        return answers(self._metrics_port, "/metrics") and answers(self.port, "/livez")


def _most_connections() -> int:
    """Each takes two descriptors; HAProxy refuses to start with fewer than it may need."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return min((hard - SPARE_DESCRIPTORS) // 2, MOST_CONNECTIONS)
