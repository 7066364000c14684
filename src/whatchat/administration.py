"""The operators' own way in: the admin API and the debug API, wired together."""

from collections.abc import Mapping
from typing import Final

from pydantic import SecretStr
from starlette.routing import Route

from whatchat.domain.actor import Scope
from whatchat.domain.contract import Catalogue, Cost, Endpoint, Feature
from whatchat.domain.ports.limiter import Quota
from whatchat.domain.ports.local_sockets import LocalSockets
from whatchat.domain.ports.pod_inspection import PodInspection
from whatchat.domain.ports.pod_life import PodLife
from whatchat.entrypoints.dispatch import Dispatch
from whatchat.entrypoints.http import Rest, Witness
from whatchat.entrypoints.operators import DebugRecords, OperatorRecords, OperatorTokens
from whatchat.entrypoints.pod_summary import PodSelf
from whatchat.entrypoints.quotas import NETWORK_QUOTAS, QUOTAS, USER_QUOTAS
from whatchat.features.admin import endpoints
from whatchat.features.admin.accounts import AccountDesk
from whatchat.features.admin.pods import PodDesk
from whatchat.features.admin.reports import ReportDesk
from whatchat.features.admin.rooms import RoomDesk
from whatchat.features.debug import endpoints as debug
from whatchat.features.debug.answering import Answering
from whatchat.features.debug.asking import Asking
from whatchat.features.debug.roster import Roster
from whatchat.features.debug.sealing import Sealing
from whatchat.features.debug.service import DebugDesk
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


class Debugging:
    """What pods tell each other of themselves, and what operators are told of that.

    It runs on every pod: one whose settings name no token for operators answers others.
    ``roster`` knows the pods.
    """

    def __init__(self, ground: Ground, inspection: PodInspection, life: PodLife) -> None:
        sealing = Sealing(ground.identity.secret)
        myself = PodSelf(ground.pod, life, inspection, ground.clock)
        self.roster = Roster(ground.pod, ground.adapters.pods, sealing, myself.summary)
        self._asking = Asking(ground.pod, ground.adapters.broker, sealing, Answering(inspection))
        self.desk = DebugDesk(self.roster, self._asking, ground.adapters.store.messages)

    async def start(self) -> None:
        """Begin to tell and to answer."""
        await self._asking.start()
        await self.roster.start()

    async def stop(self) -> None:
        """Be known no longer."""
        await self.roster.stop()
        await self._asking.stop()


def admin_routes(
    ground: Ground,
    people: People,
    conversations: Conversations,
    sockets: LocalSockets,
    life: PodLife,
) -> list[Route]:
    """The routes below ``/admin``; none where the settings name no token for them."""
    desks = _desks(ground, people, conversations, sockets, life)
    return _routes(ground, _catalogue(**desks), OperatorRecords(ground.trail))


def debug_routes(ground: Ground, desk: DebugDesk) -> list[Route]:
    """The routes below ``/debug``; none where the settings name no token for them."""
    witness = DebugRecords(OperatorRecords(ground.trail), ground.metrics)
    return _routes(ground, Catalogue([Feature(desk, debug.ENDPOINTS)]), witness)


def documented_operations() -> Catalogue:
    """All that operators may ask, without services."""
    return Catalogue(
        [
            *(Feature(None, rows) for rows in OPERATIONS.values()),
            Feature(None, debug.ENDPOINTS),
        ]
    )


def _routes(ground: Ground, catalogue: Catalogue, witness: Witness) -> list[Route]:
    settings, limiter = ground.settings, ground.adapters.limiter
    tokens = _tokens(settings)
    if "write" not in tokens:
        return []
    rest = Rest(
        Dispatch(ground.metrics, None),
        OperatorTokens(tokens, limiter),
        max_body_bytes=settings.max_payload_bytes,
        trusted_proxies=settings.trusted_proxies,
        witness=witness,
    )
    return rest.routes(catalogue)


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
