"""Which pods there are: each tells of itself every few seconds."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec
import structlog

from whatchat.domain.debugging import PodSummary
from whatchat.domain.errors import ChatError, Unavailable
from whatchat.domain.ports.fleet import Loads, PodLoad
from whatchat.domain.ports.pod_registry import PodRegistry, Told
from whatchat.features.debug.sealing import Sealing
from whatchat.features.debug.views import PodRow

log = structlog.get_logger()

TELL_SECONDS: Final = 2.0
SILENT_MS: Final = 5_000
"""Who has told nothing for so long is missing; the registry forgets them a little later."""

DEADLINE_SECONDS: Final = 2.0

READ_SECONDS: Final = 0.5
"""An operator waits no longer for a registry that hangs: those last known are asked."""

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(PodSummary)

Summarise = Callable[[float], Awaitable[PodSummary]]
"""A pod's summary, given by how many seconds its loop is late."""


class Roster:
    """Tells of this pod while it runs, and knows the others by what they told.

    While the registry is away, the others are those of whom it told last. This pod is always
    there. Implements ``Fleet``, for which those are not good enough.
    """

    def __init__(
        self, pod: str, registry: PodRegistry | None, sealing: Sealing, summarise: Summarise
    ) -> None:
        self._pod = pod
        self._registry = registry
        self._sealing = sealing
        self._summarise = summarise
        self._lag = 0.0
        self._known: dict[str, PodRow] = {}
        self._is_away = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to tell."""
        self._task = asyncio.create_task(self._run(), name="roster")

    async def stop(self) -> None:
        """Tell no more, and be known no longer."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._registry is not None:
            await self._attempt(self._registry.leave(self._pod))

    async def pods(self) -> list[PodRow]:
        """All pods by name, this one as it is now."""
        if self._registry is not None:
            await self._attempt(self._read(self._registry), seconds=READ_SECONDS)
        mine = await self._summarise(self._lag)
        rows = {**self._known, self._pod: _row(mine, 0)}
        return [rows[pod] for pod in sorted(rows)]

    async def loads(self) -> Loads:
        mine = _load(await self._summarise(self._lag))
        if self._registry is None:
            return Loads(mine, [])
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                rows = await self._others(self._registry)
        except TimeoutError:
            raise Unavailable from None
        return Loads(mine, [_load(row) for row in rows if row.silent_ms <= SILENT_MS])

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            if self._registry is not None:
                await self._attempt(self._tell(self._registry))
            due = loop.time() + TELL_SECONDS
            await asyncio.sleep(TELL_SECONDS)
            self._lag = max(0.0, loop.time() - due)

    async def _tell(self, registry: PodRegistry) -> None:
        note = _encoder.encode(await self._summarise(self._lag))
        await registry.tell(self._pod, self._sealing.seal(note, _purpose(self._pod)))

    async def _read(self, registry: PodRegistry) -> None:
        self._known = {row.pod: row for row in await self._others(registry)}

    async def _others(self, registry: PodRegistry) -> list[PodRow]:
        told = await registry.all()
        rows = [self._opened(one) for one in told if one.pod != self._pod]
        return [row for row in rows if row is not None]

    def _opened(self, told: Told) -> PodRow | None:
        note = self._sealing.open(told.note, _purpose(told.pod))
        if note is None:
            return None
        try:
            return _row(_decoder.decode(note), told.silent_ms)
        except msgspec.MsgspecError:
            return None

    async def _attempt(self, work: Awaitable[None], *, seconds: float = DEADLINE_SECONDS) -> None:
        """Do it, or leave it: that the registry is away is said once."""
        try:
            async with asyncio.timeout(seconds):
                await work
        except (ChatError, TimeoutError) as error:
            if not self._is_away:
                log.warning("the registry of pods does not answer", error=str(error))
            self._is_away = True
        except Exception:
            log.exception("the registry of pods could not be used")
        else:
            self._is_away = False


def missing_of(rows: Sequence[PodRow]) -> list[str]:
    """The pods that are silent for too long."""
    return [row.pod for row in rows if row.silent_ms > SILENT_MS]


def _row(summary: PodSummary, silent_ms: int) -> PodRow:
    return PodRow(**msgspec.structs.asdict(summary), silent_ms=silent_ms)


def _load(summary: PodSummary) -> PodLoad:
    return PodLoad(
        pod=summary.pod,
        sockets=summary.sockets,
        ready=summary.ready,
        draining=summary.draining,
    )


def _purpose(pod: str) -> str:
    return f"summary {pod}"
