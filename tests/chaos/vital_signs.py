"""Whether the product's processes live, and say so."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from tests.chaos.journal import Journal, Probed
from tests.e2e.node_process import NodeProcess
from tests.servers.cluster import Cluster
from tests.servers.worker_process import WorkerProcess

EACH_SECONDS = 1.0
ANSWER_SECONDS = 5.0

GRACE_SECONDS = 3.0
"""So much earlier than its end a process that was told to end may refuse connections."""


Probeable = NodeProcess | WorkerProcess


class Pulse:
    """Asks a process each second whether it lives, and notes the answer in the journal.

    One that was killed or stopped on purpose is not asked; from the first answer on a
    process gives every answer, or is gone or stopped a little later.
    """

    def __init__(self, name: str, process: Probeable, journal: Journal) -> None:
        self._name = name
        self._process = process
        self._journal = journal
        self._known = 0

    async def watch(self, http: aiohttp.ClientSession) -> None:
        """Go on until cancelled."""
        while True:
            await asyncio.sleep(EACH_SECONDS)
            pid = self._running()
            if pid is None:
                continue
            if await self._answers(http):
                self._known = pid
                self._note(lives=True)
            elif pid == self._known and not await self._goes(pid):
                self._note(lives=False)

    async def _answers(self, http: aiohttp.ClientSession) -> bool:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                async with http.get(f"{self._process.url}/livez") as answer:
                    return answer.status == 200
        return False

    async def _goes(self, pid: int) -> bool:
        deadline = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < deadline:
            if self._running() != pid:
                return True
            await asyncio.sleep(0.05)
        return False

    def _running(self) -> int | None:
        """The process that runs, neither dead nor stopped."""
        with contextlib.suppress(RuntimeError, OSError):
            pid = self._process.pid
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            return None if state in "TtZX" else pid
        return None

    def _note(self, *, lives: bool) -> None:
        self._journal.note(Probed(time.monotonic(), self._name, lives))


def processes(cluster: Cluster) -> dict[str, Probeable]:
    """The product's processes in a cluster that is up, by name."""
    pods = {f"pod {number}": pod for number, pod in enumerate(cluster.pods, 1)}
    return {**pods, "the worker": cluster.worker}


@asynccontextmanager
async def vital_signs(cluster: Cluster, journal: Journal) -> AsyncIterator[None]:
    """Watch all that is the product's in a cluster."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as http:
        watching = [
            asyncio.create_task(Pulse(name, process, journal).watch(http), name="pulse")
            for name, process in processes(cluster).items()
        ]
        try:
            yield
        finally:
            for task in watching:
                task.cancel()
            ended = await asyncio.gather(*watching, return_exceptions=True)
            for error in ended:
                if isinstance(error, Exception):
                    raise error
