"""The sockets as a pod wires them; accounts, rooms and messages are the benchmark's."""

from functools import partial

from loadtests.bench.ours.adapters import Adapters, adapters_alone
from loadtests.bench.ours.authenticator import SignedTokens
from loadtests.bench.ours.messages import RoomMessages
from loadtests.bench.ours.rooms import MadeUpRooms
from whatchat.entrypoints.address import client_address
from whatchat.entrypoints.handshake import HandshakePolicy
from whatchat.features.accounts.access_tokens import AccessTokens
from whatchat.features.accounts.keys import KeyRing
from whatchat.features.sessions.service import SessionService
from whatchat.observability.metrics import Metrics
from whatchat.realtime.caps import Caps
from whatchat.realtime.lifetimes import Lifetimes
from whatchat.realtime.link import Transport
from whatchat.realtime.server import RealtimeServer
from whatchat.settings import Settings


def sockets(
    secret: bytes,
    policy: HandshakePolicy,
    settings: Settings,
    adapters: Adapters | None = None,
    metrics: Metrics | None = None,
) -> RealtimeServer:
    """Sockets for whoever brings a token that ``secret`` has signed; not started yet.

    Without ``adapters`` they are those of a pod without Redis.
    """
    broker, registry = adapters or adapters_alone()
    authenticator = SignedTokens(AccessTokens(KeyRing.of_secret(secret)))
    rooms, lifetimes = MadeUpRooms(), Lifetimes()
    return RealtimeServer(
        commands=RoomMessages(rooms, broker),
        greet=SessionService(authenticator, lifetimes, epoch="bench").greet,
        lifetimes=lifetimes,
        authenticator=authenticator,
        broker=broker,
        rooms=rooms,
        room_log=rooms,
        registry=registry,
        metrics=metrics or Metrics(),
        pod="bench",
        address_of=partial(client_address, trusted=()),
        transport=Transport(
            settings.ping_interval_ms, settings.ping_timeout_ms, settings.max_payload_bytes
        ),
        guard=policy.refusal,
        caps=Caps(settings.connections_per_address, settings.connections_per_user),
    )
