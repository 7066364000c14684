"""What the endpoint controller and an ingress controller do: tell the proxy, a little late."""

import asyncio
import random
import time
from typing import Final, Literal, NoReturn

from tests.rollout.deployment import LOOK_SECONDS, Deployment
from tests.rollout.ingress import Places, State
from tests.rollout.pod import Pod
from whatchat.client.tasks import cancel

Sticky = Literal["gone", "serving"]
"""What becomes of cookies of a pod that ends: most controllers forget it, others (Traefik) keep
those clients there while its readiness probe passes."""

STEP_SECONDS: Final = 0.001


class Endpoints:
    """Each change of a pod reaches the proxy ``delay`` seconds later: from the least to the most.

    Changes of one pod keep their order.
    """

    def __init__(
        self, deployment: Deployment, ingress: Places, delay: tuple[float, float], sticky: Sticky
    ) -> None:
        self._deployment = deployment
        self._ingress = ingress
        self._delay = delay
        self._sticky = sticky
        self._places: dict[Pod, str] = {}
        self._told: dict[Pod, tuple[State, float]] = {}
        self._telling: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[NoReturn] | None = None

    def start(self) -> None:
        """Begin to look, until :meth:`close`."""
        self._task = asyncio.create_task(self._watch(), name="endpoints")

    async def close(self) -> None:
        """Tell nothing more. Raises what went wrong while it was told."""
        tasks = [*self._telling, *([self._task] if self._task else [])]
        await cancel(*tasks)
        for task in tasks:
            if not task.cancelled():
                task.result()

    def are_told(self) -> bool:
        """Whether the proxy knows all that there is to know."""
        return all(task.done() for task in self._telling) and all(
            pod in self._places for pod in self._deployment.current
        )

    async def _watch(self) -> NoReturn:
        while True:
            for pod in self._deployment.pods:
                self._look(pod)
            await asyncio.sleep(LOOK_SECONDS)

    def _look(self, pod: Pod) -> None:
        state, before = self._told.get(pod, ("maint", 0.0))
        wanted = self._wanted(pod)
        if wanted != state:
            due = max(time.monotonic() + random.uniform(*self._delay), before + STEP_SECONDS)
            self._told[pod] = wanted, due
            task = asyncio.create_task(self._tell(pod, wanted, due), name=f"endpoint {pod.name}")
            self._telling.add(task)

    def _wanted(self, pod: Pod) -> State:
        if not pod.is_ready:
            return "maint"
        if not pod.is_ending:
            return "ready"
        return "drain" if self._sticky == "serving" else "maint"

    async def _tell(self, pod: Pod, state: State, due: float) -> None:
        await asyncio.sleep(due - time.monotonic())
        if pod not in self._places:
            self._places[pod] = self._ingress.place(pod.port)
        self._ingress.turn(self._places[pod], state)
