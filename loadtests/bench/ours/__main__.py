"""Whatchat's sockets under the benchmark's load: ``python -m loadtests.bench.ours SECRET``."""

import logging
import sys
from functools import partial
from typing import Final

import uvloop

from loadtests.bench.ours.authenticator import SignedTokens
from loadtests.bench.ours.messages import RoomMessages
from loadtests.bench.ours.rooms import MadeUpRooms
from whatchat.adapters.embedded.broker import InProcessBroker, InProcessExchange
from whatchat.adapters.embedded.session_registry import InProcessSessionRegistry
from whatchat.entrypoints.address import client_address
from whatchat.entrypoints.asgi import PodApplication, http_application
from whatchat.entrypoints.handshake import Handshake, HandshakePolicy
from whatchat.entrypoints.server import (
    PodServer,
    connections_within,
    handles_of,
    listen,
    raise_descriptor_limit,
    spare_collector,
)
from whatchat.features.accounts.access_tokens import AccessTokens
from whatchat.features.accounts.keys import KeyRing
from whatchat.features.sessions.service import SessionService
from whatchat.observability.logging import configure_logging
from whatchat.observability.metrics import Metrics
from whatchat.realtime.lifetimes import Lifetimes
from whatchat.realtime.link import Transport
from whatchat.realtime.server import Caps, RealtimeServer
from whatchat.settings import Settings

SETTINGS: Final = Settings()
TRANSPORT: Final = Transport(
    SETTINGS.ping_interval_ms, SETTINGS.ping_timeout_ms, SETTINGS.max_payload_bytes
)


def main() -> None:
    """Serve on a free port of this machine, and print it."""
    configure_logging(level=logging.WARNING)
    uvloop.run(_serve(sys.argv[1].encode()))


async def _serve(secret: bytes) -> None:
    policy = HandshakePolicy()
    realtime = _realtime(secret, policy)
    await realtime.start()
    spare_collector()
    server = _server(realtime, policy)
    listener = listen("127.0.0.1", 0)
    sys.stdout.write(f"listening on {listener.getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve(sockets=handles_of(listener))


def _realtime(secret: bytes, policy: HandshakePolicy) -> RealtimeServer:
    """The sockets as a pod wires them; accounts, rooms and messages are the benchmark's."""
    authenticator = SignedTokens(AccessTokens(KeyRing.of_secret(secret)))
    broker, rooms, lifetimes = InProcessBroker(InProcessExchange()), MadeUpRooms(), Lifetimes()
    return RealtimeServer(
        commands=RoomMessages(rooms, broker),
        greet=SessionService(authenticator, lifetimes, epoch="bench").greet,
        lifetimes=lifetimes,
        authenticator=authenticator,
        broker=broker,
        rooms=rooms,
        room_log=rooms,
        registry=InProcessSessionRegistry(),
        metrics=Metrics(),
        pod="bench",
        address_of=partial(client_address, trusted=()),
        transport=TRANSPORT,
        guard=policy.refusal,
        caps=Caps(SETTINGS.connections_per_address, SETTINGS.connections_per_user),
    )


def _server(realtime: RealtimeServer, policy: HandshakePolicy) -> PodServer:
    """The pod's own way from the port to the sockets."""
    return PodServer(
        PodApplication(http=http_application([], []), sockets=Handshake(realtime.app, policy)),
        most_connections=connections_within(raise_descriptor_limit()),
        websocket=realtime.websocket,
    )


if __name__ == "__main__":
    main()
