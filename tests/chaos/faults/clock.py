"""A pod that does not know what time it is."""

import asyncio
import http.client
import time
from contextlib import closing
from email.utils import parsedate_to_datetime

from tests.chaos.crowd import Crowd
from tests.chaos.fault import Needs
from tests.e2e.node_process import NodeProcess
from tests.servers.cluster import Cluster

SPELL_SECONDS = 10.0
TOLERANCE_SECONDS = 60.0
HOUR_SECONDS = 3_600


class ClockBehind:
    """A pod's clock is wrong from its start on; while this lasts nothing else is."""

    name = "a pod whose clock is an hour back"
    needs = Needs(clock_hours=-1)

    async def strike(self, cluster: Cluster, crowd: Crowd) -> None:
        off = await asyncio.to_thread(seconds_off, cluster.pods[0])
        assert abs(off - self.needs.clock_hours * HOUR_SECONDS) < TOLERANCE_SECONDS
        await asyncio.sleep(SPELL_SECONDS)


def seconds_off(pod: NodeProcess) -> float:
    """How far a pod's clock is ahead of ours."""
    line = http.client.HTTPConnection("127.0.0.1", pod.port, timeout=5)
    with closing(line):
        line.request("GET", "/livez")
        told = line.getresponse().getheader("date")
    assert told is not None
    return parsedate_to_datetime(told).timestamp() - time.time()
