"""What attacks are played on: pods as the product runs them, in this process, on real sockets."""

import asyncio
import io
import json
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import count
from typing import Any, Self

import httpx
import pytest
import structlog

from tests.security.person import PASSWORD, Person, Unprepared
from tests.security.wire import Wire
from tests.waiting import until
from whatchat import services
from whatchat.adapters.embedded.broker import InProcessBroker, InProcessExchange
from whatchat.adapters.embedded.limiter import EmbeddedLimiter
from whatchat.adapters.embedded.session_registry import InProcessSessionRegistry
from whatchat.adapters.embedded.store import SqliteStore
from whatchat.bootstrap import build
from whatchat.domain.ports.broker import Broker
from whatchat.domain.ports.limiter import Limiter
from whatchat.domain.ports.session_registry import SessionRegistry
from whatchat.domain.ports.store import Store
from whatchat.entrypoints.server import PodServer
from whatchat.features.accounts.passwords import PasswordHasher
from whatchat.observability.logging import configure_logging
from whatchat.pod import Pod
from whatchat.realtime.arrivals import Arrivals
from whatchat.realtime.bounded_http import bounded_http
from whatchat.services import Adapters
from whatchat.settings import Settings

SECRET = "a secret that all pods on the stage share, long enough for every one of the hashes"
MOST_CONNECTIONS = 1_000


class Node:
    """A pod that listens on a port of this machine."""

    def __init__(self, pod: Pod, port: int, http: httpx.AsyncClient) -> None:
        self.pod = pod
        self.port = port
        self.http = http

    def ws_url(self, query: str = "EIO=4&transport=websocket") -> str:
        return f"ws://127.0.0.1:{self.port}/socket.io/?{query}"

    async def raw(self, data: bytes, *, seconds: float = 5.0) -> bytes:
        """All that is answered to these bytes until the pod hangs up, or the time is over."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        answer = b""
        try:
            async with asyncio.timeout(seconds):
                while chunk := await reader.read(65_536):
                    answer += chunk
        except (TimeoutError, ConnectionResetError):
            pass
        finally:
            writer.close()
        return answer


class Stage:
    """A pod over a store of its own, people on it, and all that it logs.

    ``async with`` opens and closes it. More pods over the same store come by :meth:`another`.
    """

    def __init__(self) -> None:
        self._log = io.StringIO()
        self._names = count(1)
        self._stack = AsyncExitStack()
        self.patch = pytest.MonkeyPatch()
        self.node: Node
        self.store: Store

    async def __aenter__(self) -> Self:
        self._capture_log()
        cheap = partial(PasswordHasher, memory_kib=8, passes=1, workers=1)
        self.patch.setattr(services, "PasswordHasher", cheap)
        await self.open()
        self.node = await self.another()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
        self.patch.undo()

    async def open(self) -> None:
        """Open what the pods share."""
        self.store = SqliteStore(":memory:")
        await self.store.open()
        self._stack.push_async_callback(self.store.close)
        await self.store.migrate()
        self._exchange = InProcessExchange()
        self._sessions = InProcessSessionRegistry()
        self._limiter = EmbeddedLimiter()

    async def shared(self) -> tuple[Store, Broker, SessionRegistry, Limiter]:
        """What one more pod stands on."""
        broker = InProcessBroker(self._exchange)
        self._stack.push_async_callback(broker.close)
        return self.store, broker, self._sessions, self._limiter

    async def another(
        self, *, arrival_seconds: float = 10.0, is_local: bool = False, **settings: Any
    ) -> Node:
        """One more pod, with settings of its own; limits are off unless they say otherwise."""
        given = {"jwt_secret": SECRET, "rate_limits": "off", "drain_seconds": 0} | settings
        if "jwt_keys_dir" in settings:
            del given["jwt_secret"]
        chosen = Settings.model_validate(given)
        store, broker, sessions, limiter = await self.shared()
        limits = limiter if chosen.rate_limits == "on" else None
        pod = await build(chosen, Adapters(store, broker, sessions, limits), is_local=is_local)
        await pod.start()
        self._stack.push_async_callback(pod.stop)
        port = await self._stack.enter_async_context(_serving(pod, arrival_seconds))
        http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False)
        await self._stack.enter_async_context(http)
        return Node(pod, port, http)

    async def person(self, name: str = "ada", node: Node | None = None) -> Person:
        """Somebody new who has registered; the name is made unique."""
        node = node or self.node
        body = {"username": f"{name}{next(self._names)}", "password": PASSWORD}
        answer = await node.http.post("/api/auth/register", json=body)
        if answer.status_code != 201:
            raise Unprepared(answer.text)
        return Person.of(node.http, answer.json(), self.socket)

    async def people(self, *names: str) -> list[Person]:
        return [await self.person(name) for name in names]

    async def wire(self, node: Node | None = None, **options: Any) -> Wire:
        """A WebSocket that nobody has signed in on."""
        url = (node or self.node).ws_url()
        return await self._stack.enter_async_context(Wire.open(url, **options))

    async def socket(self, token: str, node: Node | None = None, **auth: object) -> Wire:
        """A WebSocket after CONNECT with this token, refused or not."""
        wire = await self.wire(node)
        await wire.connect({"token": token, **auth})
        return wire

    def logged(self) -> list[dict[str, Any]]:
        """Every record of the log; one that is no JSON object on a line of its own fails."""
        return [_record(line) for line in self._log.getvalue().splitlines()]

    def forget_log(self) -> None:
        """Begin with an empty log: what was in it was meant to be."""
        self._log.seek(0)
        self._log.truncate()

    def log_text(self) -> str:
        return self._log.getvalue()

    def _capture_log(self) -> None:
        before, root = structlog.get_config(), logging.getLogger()
        handlers, level = list(root.handlers), root.level
        configure_logging(self._log)
        self.patch.setattr(logging.getLogger("httpx"), "disabled", True)

        def restore() -> None:
            structlog.configure(**before)
            root.handlers[:] = handlers
            root.setLevel(level)

        self._stack.callback(restore)


@asynccontextmanager
async def _serving(pod: Pod, arrival_seconds: float) -> AsyncIterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = PodServer(pod.asgi, most_connections=MOST_CONNECTIONS, websocket=pod.websocket)
    server.config.http = bounded_http(Arrivals(MOST_CONNECTIONS, seconds=arrival_seconds))
    serving = asyncio.create_task(server.serve([listener]))
    await until(lambda: server.started)
    try:
        yield listener.getsockname()[1]
    finally:
        await pod.drain(at_once=True)
        server.should_exit = True
        await serving


def _record(line: str) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads(line)
    except ValueError:
        raise AssertionError(f"no record: {line}") from None
    return record
