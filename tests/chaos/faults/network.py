"""The way between people and pods."""

import asyncio
import time

from tests.chaos.crowd import FAULTY, Crowd
from tests.chaos.fault import Needs
from tests.chaos.journal import Accepted, Sent, Shown
from tests.servers.cluster import Cluster
from whatchat.domain.ids import ClientId

MUTE_SECONDS = 3.0


class AcksLost:
    """Connections end between the accept of what was sent on them and its ack."""

    name = "client's TCP cut between accept and ack"
    needs = Needs()

    async def strike(self, cluster: Cluster, crowd: Crowd) -> None:
        began = time.monotonic()
        crowd.network.mute()
        await asyncio.sleep(MUTE_SECONDS)
        crowd.network.cut()
        unacknowledged = _accepted_without_an_ack(crowd, since=began)
        crowd.network.mend()
        assert unacknowledged


class EverybodyReturns:
    """The proxy dies, and all its clients come back at once."""

    name = "1,000 clients reconnecting at once"
    needs = Needs(clients=1_000)

    async def strike(self, cluster: Cluster, crowd: Crowd) -> None:
        await asyncio.to_thread(cluster.proxy.kill)
        await asyncio.to_thread(cluster.proxy.start)


def _accepted_without_an_ack(crowd: Crowd, *, since: float) -> set[ClientId]:
    """What people behind the network have said, others were shown, and nobody confirmed."""
    behind = {person.id for person in crowd.people[::FAULTY]}
    sent = [one for one in crowd.journal.of(Sent) if one.at >= since and one.person in behind]
    shown = {one.client_id for one in crowd.journal.of(Shown) if one.person not in behind}
    acknowledged = {one.client_id for one in crowd.journal.of(Accepted)}
    return {one.client_id for one in sent if one.client_id in shown - acknowledged}
