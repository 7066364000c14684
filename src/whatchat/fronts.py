"""What a pod answers on each of its ports."""

from collections.abc import Sequence
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.routing import Route

from whatchat.entrances import Entrances
from whatchat.entrypoints.asgi import PodApplication, below, http_application
from whatchat.entrypoints.handshake import Handshake
from whatchat.entrypoints.http import ADMIN, DEBUG
from whatchat.entrypoints.leaving import Leaving
from whatchat.entrypoints.pages import page_routes
from whatchat.entrypoints.probes import Readiness, probe_routes
from whatchat.services import Ground


class Operators(NamedTuple):
    """What operators may ask; no routes where the settings name no token for them."""

    admin: Sequence[Route]
    debug: Sequence[Route]

    def application(self, probes: Sequence[Route] = ()) -> Starlette:
        """All of it, and probes beside it."""
        return http_application(self.admin, [below(DEBUG, self.debug), *probes], prefix=ADMIN)


class Fronts:
    """The applications on the ``main`` port and, where there is one, on the ``internal`` one.

    Without an internal port the probes are on the main one, and what is for operators only if
    ``is_local``: if nobody but this machine reaches that.
    """

    def __init__(
        self,
        ground: Ground,
        entrances: Entrances,
        operators: Operators,
        readiness: Readiness,
        *,
        is_local: bool,
    ) -> None:
        has_internal = bool(ground.settings.internal_port)
        probes = probe_routes(readiness, ground.metrics, tells_why=has_internal)
        self.internal = operators.application(probes) if has_internal else None
        is_here = bool(operators.admin) and is_local and not has_internal
        pages = page_routes(entrances.catalogue)
        origins = ground.settings.cors_origins
        rest = http_application(
            entrances.rest.routes(entrances.catalogue),
            pages if has_internal else [*probes, *pages],
            cors_origins=origins,
            tracing=ground.tracing,
        )
        self.main = PodApplication(
            http=Leaving(rest, readiness),
            sockets=Handshake(entrances.realtime.app, entrances.policy, cors_origins=origins),
            admin=operators.application() if is_here else None,
        )
