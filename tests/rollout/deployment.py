"""What the deployment controller does: one pod more, one pod less, until all are new."""

import asyncio
from pathlib import Path
from typing import Final, NoReturn

from tests.rollout.pod import Pod
from tests.rollout.wanted import Wanted
from whatchat.client.tasks import cancel

LOOK_SECONDS: Final = 0.05


class Deployment:
    """Keeps as many pods as wanted of the wanted ``revision``, and replaces those of others.

    ``pods`` are all that there ever were, in the order of their coming.
    """

    def __init__(self, wanted: Wanted, folder: Path) -> None:
        self.wanted = wanted
        self.revision = 1
        self.pods: list[Pod] = []
        self._folder = folder
        self._task: asyncio.Task[NoReturn] | None = None

    def start(self) -> None:
        """Begin to act, until :meth:`close`."""
        self._task = asyncio.create_task(self._reconcile(), name=f"deployment {self.wanted.name}")

    def roll(self, revision: int) -> None:
        """From now on pods are to be of that revision."""
        self.revision = revision

    async def close(self) -> None:
        """End all at once."""
        if self._task:
            await cancel(self._task)
        await asyncio.gather(*(pod.close() for pod in self.pods))

    @property
    def current(self) -> list[Pod]:
        """Those that are not told to end: the others count no more."""
        return [pod for pod in self.pods if not pod.is_ending]

    def available(self, revision: int) -> int:
        """How many of a revision count as up."""
        return len([pod for pod in self._available() if pod.revision == revision])

    def is_rolled_out(self) -> bool:
        """Whether all that is wanted is up, and all else has ended."""
        return self.available(self.revision) == len(self.current) == self.wanted.replicas and all(
            pod.has_ended for pod in self.pods if pod.is_ending
        )

    def troubles(self) -> list[str]:
        """What happened to pods and may not."""
        return [trouble for pod in self.pods for trouble in pod.troubles]

    async def _reconcile(self) -> NoReturn:
        while True:
            self._scale_up()
            self._scale_down()
            await asyncio.sleep(LOOK_SECONDS)

    def _scale_up(self) -> None:
        most = self.wanted.replicas + self.wanted.surge
        new = len([pod for pod in self.current if pod.revision == self.revision])
        for _ in range(min(self.wanted.replicas - new, most - len(self.current))):
            self._add()

    def _scale_down(self) -> None:
        """First those that serve nobody, then the oldest, and no more than can be spared."""
        old = [pod for pod in self.current if pod.revision != self.revision]
        available = self._available()
        spare = len(available) - (self.wanted.replicas - self.wanted.unavailable)
        for pod in sorted(old, key=lambda pod: pod in available):
            if pod not in available:
                pod.delete()
            elif spare > 0:
                pod.delete()
                spare -= 1

    def _available(self) -> list[Pod]:
        return [pod for pod in self.current if pod.is_available(self.wanted.min_ready)]

    def _add(self) -> None:
        name = f"{self.wanted.name}-{self.revision}-{len(self.pods) + 1}"
        pod = Pod(name, self.revision, self.wanted.template, self._folder)
        self.pods.append(pod)
        pod.start()
