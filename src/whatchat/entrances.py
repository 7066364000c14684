"""The ways into a pod, wired to what is behind them."""

from collections.abc import Callable
from functools import partial

from whatchat.domain.actor import Actor, Visitor
from whatchat.domain.contract import Catalogue
from whatchat.domain.ports.limiter import Quota
from whatchat.entrypoints.address import client_address
from whatchat.entrypoints.dispatch import Dispatch
from whatchat.entrypoints.handshake import HandshakePolicy
from whatchat.entrypoints.http import Rest
from whatchat.entrypoints.limits import Limits
from whatchat.entrypoints.quotas import CONNECTS, IMPATIENCE
from whatchat.entrypoints.sockets import SocketCommands
from whatchat.features.blocking.service import BlockingService
from whatchat.features.sessions.service import SessionService
from whatchat.realtime.caps import Caps
from whatchat.realtime.lifetimes import Lifetimes
from whatchat.realtime.link import Transport
from whatchat.realtime.server import RealtimeServer
from whatchat.services import Conversations, Ground, People, Presence
from whatchat.settings import Settings


class Entrances:
    """The ways in: what may be asked for, over sockets and over REST.

    ``catalogue`` takes each feature's service by the feature's name.
    """

    def __init__(
        self,
        ground: Ground,
        people: People,
        conversations: Conversations,
        presence: Presence,
        catalogue: Callable[..., Catalogue],
    ) -> None:
        settings = ground.settings
        self.policy = HandshakePolicy(cors_origins=settings.cors_origins)
        self.lifetimes = lifetimes = Lifetimes()
        sessions = SessionService(
            people.authenticator, lifetimes, epoch=ground.identity.epoch, witness=people.witness
        )
        blocking_service = BlockingService(
            ground.adapters.store.blocks,
            people.blocks,
            people.directory,
            conversations.concealment,
            ground.trail,
        )
        self.catalogue = catalogue(
            accounts=people.accounts,
            blocking=blocking_service,
            rooms=conversations.rooms,
            messages=conversations.messages,
            receipts=conversations.receipts,
            typing=conversations.typing,
            presence=presence.service,
            sync=conversations.sync,
            search=conversations.search,
            reports=conversations.reports,
            sessions=sessions,
        )
        self.limits = _limits(ground)
        dispatch = Dispatch(
            ground.metrics, self.limits, flights=ground.flights, tracing=ground.tracing
        )
        self.rest = Rest(
            dispatch,
            people.authenticator,
            max_body_bytes=settings.max_payload_bytes,
            trusted_proxies=settings.trusted_proxies,
        )
        self.realtime = RealtimeServer(
            commands=SocketCommands(self.catalogue, dispatch),
            greet=sessions.greet,
            lifetimes=lifetimes,
            authenticator=people.authenticator,
            broker=ground.adapters.broker,
            rooms=ground.adapters.store.rooms,
            room_log=conversations.log,
            registry=ground.adapters.sessions,
            metrics=ground.metrics,
            tracing=ground.tracing,
            pod=ground.pod,
            address_of=partial(client_address, trusted=settings.trusted_proxies),
            transport=Transport(
                settings.ping_interval_ms, settings.ping_timeout_ms, settings.max_payload_bytes
            ),
            guard=self.policy.refusal,
            caps=_caps(settings),
            told=_ignore if self.limits is None else self.limits.hit,
            live=conversations.live,
            flights=ground.flights,
            affinity_cookie=settings.affinity_cookie,
        )


def _limits(ground: Ground) -> Limits | None:
    limiter = ground.adapters.limiter
    return None if limiter is None else Limits(limiter, ground.metrics, ground.trail)


def _ignore(_limit: str, _dimension: str, _caller: Actor | Visitor) -> None:
    """There are no limits that anybody could come to."""


def _caps(settings: Settings) -> Caps:
    if settings.rate_limits == "off":
        return Caps()
    return Caps(
        settings.connections_per_address,
        settings.connections_per_user,
        handshakes=Quota(
            rate=settings.handshakes_per_second, burst=settings.connections_per_address
        ),
        connects=CONNECTS,
        impatience=IMPATIENCE,
    )
