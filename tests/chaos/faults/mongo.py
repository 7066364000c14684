"""MongoDB without a primary for a while."""

import asyncio

from tests.chaos.crowd import Crowd
from tests.chaos.fault import Needs
from tests.chaos.journal import Accepted
from tests.servers.cluster import Cluster

PAUSE_SECONDS = 10.0
ON_THEIR_WAY_SECONDS = 2.0
"""So long after a pause acks of what was written before may still be on their way."""


class StepDown:
    """The primary gives its place up to another node."""

    name = "MongoDB primary step-down"
    needs = Needs()

    async def strike(self, cluster: Cluster, crowd: Crowd) -> None:
        mongo = cluster.mongo
        before = await asyncio.to_thread(mongo.primary)
        await asyncio.to_thread(mongo.step_down)
        assert await asyncio.to_thread(mongo.primary) is not before


class MongoPaused:
    """Connections to MongoDB stay open, nothing answers on them, and nothing is accepted."""

    name = "MongoDB SIGSTOP for 10 s"
    needs = Needs()

    async def strike(self, cluster: Cluster, crowd: Crowd) -> None:
        nodes = cluster.mongo.nodes
        for node in nodes:
            node.pause()
        try:
            await asyncio.sleep(ON_THEIR_WAY_SECONDS)
            accepted = crowd.journal.count(Accepted)
            await asyncio.sleep(PAUSE_SECONDS - ON_THEIR_WAY_SECONDS)
            assert crowd.journal.count(Accepted) == accepted
        finally:
            for node in nodes:
                node.resume()
        await asyncio.to_thread(cluster.mongo.primary)
