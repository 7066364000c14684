"""Whatchat's sockets under the benchmark's load.

``python -m loadtests.bench.ours SECRET [REDIS_URL]``
"""

import logging
import sys

import uvloop

from loadtests.bench.ours.adapters import adapters_on
from loadtests.bench.ours.sockets import sockets
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
from whatchat.observability.logging import configure_logging
from whatchat.realtime.server import RealtimeServer
from whatchat.settings import Settings


def main() -> None:
    """Serve on a free port of this machine, and print it."""
    configure_logging(level=logging.WARNING)
    secret, *rest = sys.argv[1:]
    uvloop.run(_serve(secret.encode(), rest[0] if rest else None))


async def _serve(secret: bytes, redis_url: str | None) -> None:
    policy = HandshakePolicy()
    adapters = await adapters_on(redis_url) if redis_url else None
    realtime = sockets(secret, policy, Settings(), adapters)
    await realtime.start()
    spare_collector()
    server = _server(realtime, policy)
    listener = listen("127.0.0.1", 0)
    sys.stdout.write(f"listening on {listener.getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve(sockets=handles_of(listener))


def _server(realtime: RealtimeServer, policy: HandshakePolicy) -> PodServer:
    """The pod's own way from the port to the sockets."""
    return PodServer(
        PodApplication(http=http_application([], []), sockets=Handshake(realtime.app, policy)),
        most_connections=connections_within(raise_descriptor_limit()),
        websocket=realtime.websocket,
    )


if __name__ == "__main__":
    main()
