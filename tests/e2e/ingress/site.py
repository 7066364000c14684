"""Pods that come and go, behind one controller of each kind at the same time."""

import asyncio
import signal
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from tests.e2e.ingress.controller import KINDS, Controller
from tests.servers.cluster import Cluster

PING_SECONDS: Final = 3.5
ENV: Final = {
    # Silent for longer than proxies in a hurry wait; see Place.
    "WHATCHAT_PING_INTERVAL_MS": str(int(PING_SECONDS * 1000)),
    "WHATCHAT_PING_TIMEOUT_MS": "10000",
    "WHATCHAT_DRAIN_SECONDS": "3",
}


class Site:
    """Four pods, of which each controller knows those that are ``serving``."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._pods = cluster.pods
        self.serving: frozenset[int] = frozenset()
        self.controllers: Mapping[str, Controller] = {
            preset: Controller(preset, folder / preset) for preset in KINDS
        }

    @property
    def addresses(self) -> list[str]:
        """Of the pods that serve."""
        return [self.address(number) for number in sorted(self.serving)]

    def address(self, number: int) -> str:
        """Where the controllers find a pod."""
        return f"127.0.0.1:{self._pods[number].port}"

    async def open(self, numbers: Collection[int]) -> None:
        """Start all controllers with these pods."""
        self.serving = frozenset(numbers)
        for controller in self.controllers.values():
            await asyncio.to_thread(controller.start, self.addresses)

    async def serve(self, numbers: Collection[int]) -> None:
        """Have all controllers hear which pods are ready, and reload."""
        self.serving = frozenset(numbers)
        addresses = self.addresses
        await asyncio.gather(
            *(
                asyncio.to_thread(controller.serve, addresses)
                for controller in self.controllers.values()
            )
        )

    async def kill(self, number: int) -> None:
        """End a pod on the spot."""
        await asyncio.to_thread(self._pods[number].kill)

    async def start(self, number: int) -> None:
        """Start a pod that has ended."""
        await asyncio.to_thread(self._pods[number].start)

    async def drain(self, number: int) -> None:
        """Ask a pod to end, and return once it has, in good order."""
        pod = self._pods[number]
        pod.ask(signal.SIGTERM)
        assert await asyncio.to_thread(pod.ended) == 0

    def close(self) -> None:
        """End the controllers."""
        for controller in self.controllers.values():
            controller.stop()
