"""A bare echo over the engine, for protocol suites: ours and other people's.

``python -m tests.conformance.app engineio|socketio --port P``: Engine.IO at ``/engine.io/``
echoes each message. Socket.IO at ``/socket.io/``, on ``/`` and ``/custom``, emits ``auth``
with the handshake's auth after CONNECT, answers ``message`` with ``message-back`` and the
same arguments, and acks ``message-with-ack`` with its arguments.
"""

import argparse
import asyncio
import sys

import uvloop

from tests.conformance.handlers import register
from whatchat.entrypoints.compression import Compression
from whatchat.entrypoints.ending import Ending
from whatchat.entrypoints.server import (
    PodServer,
    connections_within,
    listen,
    raise_descriptor_limit,
    run_servers,
)
from whatchat.realtime.engine import Engine
from whatchat.realtime.frame import binary_frame, plain_frame
from whatchat.realtime.link import DRAINING, Scope, Transport
from whatchat.realtime.polling_app import PollingApplication
from whatchat.realtime.session import Session
from whatchat.realtime.socket_server import SocketServer
from whatchat.realtime.tasks import Tasks


class Echo:
    """Answers each Engine.IO message with itself."""

    def is_open(self) -> bool:
        return True

    def opened(self, session: Session, scope: Scope) -> None:
        """Nothing is said to newcomers."""

    def received(self, session: Session, message: str | bytes) -> None:
        if isinstance(message, bytes):
            session.write(binary_frame(message))
        else:
            session.write(plain_frame(f"4{message}"))

    def ended(self, session: Session, reason: str) -> None:
        """Nothing is kept of those who leave."""


def socketio_echo(transport: Transport, tasks: Tasks) -> SocketServer:
    """The Socket.IO echo, its handlers registered as python-socketio's manual says."""
    server = SocketServer(lambda it: Engine(it, transport), tasks, always_connect=True)
    register(server)
    return server


def engine_for(kind: str, transport: Transport, tasks: Tasks) -> Engine:
    """The engine of the echo that was asked for."""
    if kind == "engineio":
        return Engine(Echo(), transport, path="/engine.io/")
    return socketio_echo(transport, tasks).engine


async def serve(kind: str, port: int, transport: Transport) -> None:
    """Serve until a signal comes."""
    tasks = Tasks()
    engine = engine_for(kind, transport, tasks)

    async def drain(*, at_once: bool) -> None:
        await engine.close(DRAINING)

    server = PodServer(
        Compression(PollingApplication(engine, tasks)),
        most_connections=connections_within(raise_descriptor_limit()),
        websocket=engine.websocket,
    )
    listener = listen("127.0.0.1", port)
    ending = Ending(asyncio.Event())
    ending.listen()
    sys.stdout.write(f"listening on {listener.getsockname()[1]}\n")
    sys.stdout.flush()
    await run_servers([(server, listener)], ending, drain)
    engine.stop()
    await tasks.close()


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("engineio", "socketio"))
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--ping-interval-ms", type=int, default=25_000)
    parser.add_argument("--ping-timeout-ms", type=int, default=20_000)
    parser.add_argument("--max-payload", type=int, default=1_000_000)
    options = parser.parse_args()
    transport = Transport(options.ping_interval_ms, options.ping_timeout_ms, options.max_payload)
    uvloop.run(serve(options.kind, options.port, transport))


if __name__ == "__main__":
    main()
