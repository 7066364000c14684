"""MongoDB takes back what only a minority had."""

import asyncio

from tests.chaos.crowd import Crowd
from tests.chaos.fault import Needs
from tests.chaos.faults.readers import reading
from tests.servers.cluster import Cluster
from tests.servers.deposed_primary import DeposedPrimary

ACCEPTED_MEANWHILE = 20


class Rollback:
    """A primary is left alone with writes, dies, and finds another history when it is back."""

    name = "MongoDB rollback"
    needs = Needs()

    async def strike(self, cluster: Cluster, crowd: Crowd) -> None:
        async with reading(crowd):
            deposed = await asyncio.to_thread(DeposedPrimary.of, cluster.mongo)
            await crowd.accepted(ACCEPTED_MEANWHILE)
            assert "whatchat.log" in await asyncio.to_thread(deposed.come_back)
