"""What the operator's machinery asks: alive, ready, metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NoReturn

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
WATCH_SECONDS = 5.0

Check = Callable[[], Awaitable[None]]
"""Returns if the dependency answers, else raises ``Unavailable``."""

log = structlog.get_logger("whatchat.probes")


class Readiness:
    """Whether this pod may take traffic: it accepts some, and all it depends on answers.

    The metrics say how that was when it was last asked, by a probe or by :meth:`watch`;
    ``reasons`` say why what did not answer did not, and ``warnings`` what is wrong beside that:
    both name servers, and no secrets.
    """

    def __init__(
        self,
        checks: Mapping[str, Check],
        metrics: Metrics,
        warnings: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._checks = checks
        self.warnings = warnings
        self.reasons: dict[str, str] = {}
        self._metrics = metrics
        self._answers: dict[str, str] = {}
        self.accepting = False
        metrics.when_scraped(self._tell)

    async def dependencies(self) -> dict[str, str]:
        """``ok`` or ``error`` for the pod itself and each dependency."""
        await asyncio.gather(*(self._ask(name, check) for name, check in self._checks.items()))
        pod = "ok" if self.accepting else "error"
        return {"pod": pod, **{name: self._answers[name] for name in self._checks}}

    async def watch(self) -> NoReturn:
        """Ask every ``WATCH_SECONDS``, until cancelled."""
        while True:
            await self.dependencies()
            await asyncio.sleep(WATCH_SECONDS)

    async def _ask(self, name: str, check: Check) -> None:
        reason: str | None = None
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await check()
        except TimeoutError:
            reason = f"no answer within {CHECK_SECONDS:g} s"
        except Unavailable as error:
            reason = "no answer" if error.text == Unavailable.message else error.text
        answer = "ok" if reason is None else "error"
        before, self._answers[name] = self._answers.get(name, "ok"), answer
        self.reasons.pop(name, None)
        if reason is not None:
            self.reasons[name] = reason
        if answer == before:
            return
        if answer == "ok":
            log.info("dependency answers again", dependency=name)
        else:
            log.warning("dependency does not answer", dependency=name, reason=reason)

    def _tell(self) -> None:
        for name, answer in self._answers.items():
            self._metrics.dependency_up.labels(name).set(answer == "ok")
        all_answer = all(self._answers.get(name) == "ok" for name in self._checks)
        self._metrics.ready.set(self.accepting and all_answer)


def probe_routes(readiness: Readiness, metrics: Metrics, *, tells_why: bool = False) -> list[Route]:
    """``/livez``, ``/readyz`` and ``/metrics``.

    ``tells_why``: only operators reach them. ``/readyz`` then has what names servers.
    """

    async def livez(_request: Request) -> Response:
        return _json({"alive": True}, 200)

    async def readyz(_request: Request) -> Response:
        dependencies = await readiness.dependencies()
        ready = all(answer == "ok" for answer in dependencies.values())
        answer: dict[str, object] = {"ready": ready, "dependencies": dependencies}
        if tells_why:
            answer |= {"reasons": readiness.reasons, "warnings": readiness.warnings()}
        return _json(answer, 200 if ready else 503)

    return [
        Route("/livez", livez),
        Route("/readyz", readyz),
        Route("/metrics", Scraping(Exposition(metrics)), methods=["GET"]),
    ]


def _json(value: object, status: int) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")
