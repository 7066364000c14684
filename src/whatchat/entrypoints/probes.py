"""What the operator's machinery asks: alive, ready, metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from whatchat.domain.errors import Unavailable
from whatchat.entrypoints.scraping import Scraping
from whatchat.observability.exposition import Exposition
from whatchat.observability.metrics import Metrics

PROBE_PATHS = frozenset({"/livez", "/readyz", "/metrics"})
CHECK_SECONDS = 2.0

Check = Callable[[], Awaitable[None]]
"""Returns if the dependency answers, else raises ``Unavailable``."""

log = structlog.get_logger("whatchat.probes")


class Readiness:
    """Whether this pod may take traffic: it accepts some, and all it depends on answers."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self.accepting = False

    async def dependencies(self) -> dict[str, str]:
        """``ok`` or ``error`` for the pod itself and each dependency."""
        answers = await asyncio.gather(*(_ask(name, check) for name, check in self._checks.items()))
        pod = "ok" if self.accepting else "error"
        return {"pod": pod, **dict(zip(self._checks, answers, strict=True))}


def probe_routes(readiness: Readiness, metrics: Metrics) -> list[Route]:
    """``/livez``, ``/readyz`` and ``/metrics``."""

    async def livez(_request: Request) -> Response:
        return _json({"alive": True}, 200)

    async def readyz(_request: Request) -> Response:
        dependencies = await readiness.dependencies()
        ready = all(answer == "ok" for answer in dependencies.values())
        return _json({"ready": ready, "dependencies": dependencies}, 200 if ready else 503)

    return [
        Route("/livez", livez),
        Route("/readyz", readyz),
        Route("/metrics", Scraping(Exposition(metrics)), methods=["GET"]),
    ]


async def _ask(name: str, check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except (Unavailable, TimeoutError):
        log.warning("dependency does not answer", dependency=name)
        return "error"
    return "ok"


def _json(value: object, status: int) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")
