"""The operators' own way in: the admin API, wired together."""

from collections.abc import Mapping
from typing import Final

from pydantic import SecretStr
from starlette.routing import Route

from whatchat.domain.actor import Scope
from whatchat.domain.contract import Catalogue, Cost, Endpoint, Feature
from whatchat.domain.ports.limiter import Quota
from whatchat.domain.ports.local_sockets import LocalSockets
from whatchat.domain.ports.pod_life import PodLife
from whatchat.entrypoints.dispatch import Dispatch
from whatchat.entrypoints.http import Rest
from whatchat.entrypoints.operators import OperatorRecords, OperatorTokens
from whatchat.entrypoints.quotas import NETWORK_QUOTAS, QUOTAS, USER_QUOTAS
from whatchat.features.admin import endpoints
from whatchat.features.admin.accounts import AccountDesk
from whatchat.features.admin.pods import PodDesk
from whatchat.features.admin.reports import ReportDesk
from whatchat.features.admin.rooms import RoomDesk
from whatchat.services import Conversations, Ground, People
from whatchat.settings import Settings

OPERATIONS: Final[Mapping[str, tuple[Endpoint, ...]]] = {
    "accounts": endpoints.ACCOUNTS,
    "rooms": endpoints.ROOMS,
    "reports": endpoints.REPORTS,
    "pods": endpoints.PODS,
}
"""What operators may ask, whether or not there is a service for it."""

LIMITS: Final[Mapping[str, Mapping[Cost, Quota]]] = {
    "device": QUOTAS,
    "user": USER_QUOTAS,
    "network": NETWORK_QUOTAS,
}


def admin_routes(
    ground: Ground,
    people: People,
    conversations: Conversations,
    sockets: LocalSockets,
    life: PodLife,
) -> list[Route]:
    """The routes below ``/admin``; none where the settings name no token for them."""
    settings, limiter = ground.settings, ground.adapters.limiter
    tokens = _tokens(settings)
    if "write" not in tokens:
        return []
    rest = Rest(
        Dispatch(ground.metrics, None),
        OperatorTokens(tokens, limiter),
        max_body_bytes=settings.max_payload_bytes,
        trusted_proxies=settings.trusted_proxies,
        witness=OperatorRecords(ground.trail),
    )
    return rest.routes(_catalogue(**_desks(ground, people, conversations, sockets, life)))


def documented_operations() -> Catalogue:
    """All that operators may ask, without services."""
    return _catalogue(**dict.fromkeys(OPERATIONS))


def _desks(
    ground: Ground,
    people: People,
    conversations: Conversations,
    sockets: LocalSockets,
    life: PodLife,
) -> dict[str, object]:
    adapters, store, trail = ground.adapters, ground.adapters.store, ground.trail
    return {
        "accounts": AccountDesk(
            store.inventory,
            store.accounts,
            store.reports,
            adapters.sessions,
            people.moderation,
            adapters.limiter,
            ground.clock,
        ),
        "rooms": RoomDesk(
            store.inventory,
            store.rooms,
            store.messages,
            conversations.log,
            people.directory,
            trail,
        ),
        "reports": ReportDesk(store.reports, trail, ground.clock),
        "pods": PodDesk(sockets, life, trail, LIMITS if adapters.limiter else None),
    }


def _tokens(settings: Settings) -> dict[Scope, str]:
    given: dict[Scope, SecretStr | None] = {
        "write": settings.admin_token,
        "read": settings.admin_read_token,
    }
    return {scope: token.get_secret_value() for scope, token in given.items() if token}


def _catalogue(**services: object) -> Catalogue:
    return Catalogue(Feature(services[name], rows) for name, rows in OPERATIONS.items())
