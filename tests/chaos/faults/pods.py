"""Pods that go, with and without notice."""

import asyncio
import signal
import time

from tests.chaos.crowd import Crowd
from tests.chaos.dying_pod import LAST_WORDS
from tests.chaos.fault import Needs
from tests.chaos.journal import Sent, Shown, Vanished
from tests.servers.cluster import Cluster
from whatchat.entrypoints.pod_lease import LEASE_SECONDS

AWAY_SECONDS = LEASE_SECONDS + 2.0
HEIR_SECONDS = LEASE_SECONDS + 5.0
SETTLED_SECONDS = 1.5
"""So long after a pod is ready the proxy surely knows of it."""


class PodKilled:
    """A pod dies, and comes back after its lease has ended."""

    name = "SIGKILL of a pod"
    needs = Needs()

    async def strike(self, cluster: Cluster, crowd: Crowd) -> None:
        pod = cluster.pods[0]
        await asyncio.to_thread(pod.kill)
        await asyncio.sleep(AWAY_SECONDS)
        await asyncio.to_thread(pod.start)


class PodKilledBeforePublishing:
    """A pod dies with a message that only it knows of, and whose sender never returns.

    Another pod announces it before the dead one is back.
    """

    name = "SIGKILL between the write and the publish"
    needs = Needs(dying_pod=True)

    async def strike(self, cluster: Cluster, crowd: Crowd) -> None:
        pod = cluster.pods[0]
        await crowd.vanish_saying(LAST_WORDS)
        assert await asyncio.to_thread(pod.ended) == -signal.SIGKILL
        await _last_words_are_heard(crowd, by=time.monotonic() + HEIR_SECONDS)
        await asyncio.to_thread(pod.start)


class RollingUpdate:
    """Each pod in turn is told to go, goes in good order, and comes back."""

    name = "SIGTERM of each pod in turn"
    needs = Needs()

    async def strike(self, cluster: Cluster, crowd: Crowd) -> None:
        for pod in cluster.pods:
            assert await asyncio.to_thread(pod.terminate) == 0
            await asyncio.to_thread(pod.start)
            await asyncio.sleep(SETTLED_SECONDS)


async def _last_words_are_heard(crowd: Crowd, *, by: float) -> None:
    [vanished] = crowd.journal.of(Vanished)
    [sent] = [one for one in crowd.journal.of(Sent) if one.client_id == vanished.client_id]
    missing = crowd.members[sent.room] - {sent.person}
    while missing:
        assert time.monotonic() < by, f"{len(missing)} have not heard what a dead pod wrote"
        await asyncio.sleep(0.1)
        shown = crowd.journal.of(Shown)
        missing -= {one.person for one in shown if one.client_id == sent.client_id}
