"""Our engine behind uvicorn, in the test's own process and event loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.waiting import until
from whatchat.entrypoints.server import PodServer, listen
from whatchat.realtime.engine import Engine
from whatchat.realtime.frame import plain_frame
from whatchat.realtime.link import Scope
from whatchat.realtime.polling_app import PollingApplication
from whatchat.realtime.session import Session
from whatchat.realtime.tasks import Tasks


class NotingEcho:
    """Notes what it hears; answers with the same unless told not to, and fails on ``fail``."""

    def __init__(self) -> None:
        self.answers = True
        self.scopes: list[Scope] = []
        self.heard: list[str | bytes] = []
        self.reasons: list[str] = []

    def is_open(self) -> bool:
        return True

    def opened(self, session: Session, scope: Scope) -> None:
        self.scopes.append(scope)

    def received(self, session: Session, message: str | bytes) -> None:
        if message == "fail":
            raise ZeroDivisionError
        self.heard.append(message)
        if self.answers:
            session.write(plain_frame(f"4{message!s}"))

    def ended(self, session: Session, reason: str) -> None:
        self.reasons.append(reason)


@dataclass(frozen=True)
class Running:
    """A server that listens; uvicorn's own part of it is ``server``."""

    engine: Engine
    server: PodServer
    port: int

    @property
    def session(self) -> Session:
        """The only session that there is."""
        (session,) = self.engine.sessions.values()
        return session

    async def stop(self) -> None:
        """Have uvicorn end, and return once everybody is gone."""
        self.server.should_exit = True
        await until(lambda: not (self.engine.sessions or self.server.server_state.connections))


@asynccontextmanager
async def running(engine: Engine, tasks: Tasks) -> AsyncIterator[Running]:
    """Serve until the block is left; whoever is then still connected is cut off."""
    app = PollingApplication(engine, tasks)
    server = PodServer(app, most_connections=1_000, websocket=engine.websocket)
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    serving = asyncio.create_task(server.serve([listener]))
    await until(lambda: server.started)
    try:
        yield Running(engine, server, port)
    finally:
        server.should_exit = True
        await serving
        engine.stop()
        await tasks.close()
