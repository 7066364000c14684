"""A pod as the kubelet runs it: probes, preStop, SIGTERM, grace, SIGKILL."""

import asyncio
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

import aiohttp

from tests.e2e.node_process import free_port
from tests.rollout.wanted import Probe, Template
from tests.servers.product_process import TRACEBACK, inherited
from whatchat.client.tasks import cancel

LEAST_GRACE_SECONDS: Final = 2.0
"""The kubelet leaves so much for SIGTERM, however long preStop took."""

SHOWN: Final = 31


class Pod:
    """The product in a process of its own, on ports of its own.

    ``is_ready`` is what its readiness probe found last, and ``ready_since`` says since when; a
    pod is ``ending`` from its deletion on. ``troubles`` has what may not happen to any pod.
    """

    def __init__(self, name: str, revision: int, template: Template, folder: Path) -> None:
        self.name = name
        self.revision = revision
        self.template = template
        self.port = free_port()
        self.internal = f"http://127.0.0.1:{free_port()}"
        self.log = folder / f"{name}.log"
        self.is_ready = False
        self.ready_since = 0.0
        self.is_ending = False
        self.has_ended = False
        self.was_killed = False
        self.terminated_at: float | None = None
        self.troubles: list[str] = []
        self._process: Process | None = None
        self._life: asyncio.Task[None] | None = None
        self._end: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Its process, once it was started."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Begin its life: migrate, start, be probed."""
        self._life = asyncio.create_task(self._live(), name=f"life of {self.name}")

    def delete(self) -> None:
        """Begin its end."""
        self.is_ending = True
        self._end = asyncio.create_task(self._ended(), name=f"end of {self.name}")

    def is_available(self, min_ready: float) -> bool:
        """Whether it has been ready for so long without a break."""
        return self.is_ready and time.monotonic() - self.ready_since >= min_ready

    async def close(self) -> None:
        """End it at once, if it still runs."""
        await cancel(*(task for task in (self._life, self._end) if task))
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def tracebacks(self) -> list[str]:
        """Each that it has logged."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        starts = [at for at, line in enumerate(lines) if TRACEBACK in line]
        return ["\n".join(lines[at : at + SHOWN]) for at in starts]

    async def _live(self) -> None:
        try:
            await self._run()
        except Exception as error:
            self._trouble(f"was not run to its end: {error!r}")
            raise

    async def _run(self) -> None:
        migrated = await self._spawn(self.template.migrate)
        if await migrated.wait():
            self._trouble("did not migrate")
            return
        self._process = process = await self._spawn(self.template.arguments)
        async with aiohttp.ClientSession(self.internal) as http:
            if not await self._has_started(http, self.template.startup):
                return
            probing = [
                asyncio.create_task(self._watch_readiness(http, self.template.readiness)),
                asyncio.create_task(self._watch_liveness(http, self.template.liveness)),
            ]
            try:
                status = await process.wait()
            finally:
                await cancel(*probing)
                self.is_ready = False
        if not self.is_ending:
            self._trouble(f"ended by itself with status {status}")

    async def _has_started(self, http: aiohttp.ClientSession, probe: Probe) -> bool:
        await asyncio.sleep(probe.initial_delay)
        for _ in range(probe.failures):
            if await _passes(http, probe):
                return True
            await asyncio.sleep(probe.period)
        self._trouble("failed its startup probe")
        return False

    async def _watch_readiness(self, http: aiohttp.ClientSession, probe: Probe) -> NoReturn:
        """Goes on while the pod ends: that is what its endpoint's ``serving`` is."""
        good = bad = 0
        await asyncio.sleep(probe.initial_delay)
        while True:
            passes = await _passes(http, probe)
            good, bad = (good + 1, 0) if passes else (0, bad + 1)
            if good >= probe.successes and not self.is_ready:
                self.is_ready, self.ready_since = True, time.monotonic()
            elif bad >= probe.failures and self.is_ready:
                self.is_ready = False
                if not self.is_ending:
                    self._trouble("was not ready any more")
            await asyncio.sleep(probe.period)

    async def _watch_liveness(self, http: aiohttp.ClientSession, probe: Probe) -> None:
        """Return when the pod ends, or once it would be restarted."""
        bad = 0
        await asyncio.sleep(probe.initial_delay)
        while not self.is_ending:
            bad = 0 if await _passes(http, probe) else bad + 1
            if bad >= probe.failures and not self.is_ending:
                self._trouble("failed its liveness probe")
                return
            await asyncio.sleep(probe.period)

    async def _ended(self) -> None:
        template, process = self.template, self._process
        if process is None:  # deleted before it began
            self.has_ended = True
            return
        await asyncio.sleep(min(template.pre_stop, template.grace))
        self.terminated_at = time.monotonic()
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(
                max(template.grace - template.pre_stop, LEAST_GRACE_SECONDS)
            ):
                status = await process.wait()
        except TimeoutError:
            self.was_killed = True
            process.kill()
            status = await process.wait()
        if status and not self.was_killed:
            self._trouble(f"ended with status {status}")
        self.has_ended = True

    async def _spawn(self, arguments: Sequence[str]) -> Process:
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "whatchat", *map(self._here, arguments)),
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.log.parent,
                env=inherited() | self._env(),
                start_new_session=True,  # the terminal's Ctrl-C is for whoever started it
            )

    def _env(self) -> dict[str, str]:
        port = self.internal.rpartition(":")[2]
        return {**self.template.env, "WHATCHAT_INTERNAL_PORT": port}

    def _here(self, argument: str) -> str:
        """A container has a network of its own, and pods here share one."""
        return {"0.0.0.0": "127.0.0.1", "8000": str(self.port)}.get(argument, argument)

    def _trouble(self, what: str) -> None:
        self.troubles.append(f"{self.name} {what}")


async def _passes(http: aiohttp.ClientSession, probe: Probe) -> bool:
    try:
        async with asyncio.timeout(probe.timeout):
            async with http.get(probe.path, headers={"Connection": "close"}) as answer:
                return 200 <= answer.status < 400
    except (aiohttp.ClientError, TimeoutError):
        return False
