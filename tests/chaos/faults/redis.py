"""Redis that forgets, hangs, drops its listeners, or moves."""

import asyncio

from tests.chaos.crowd import Crowd
from tests.chaos.fault import Needs
from tests.servers.cluster import Cluster

AWAY_SECONDS = 5.0
PAUSE_SECONDS = 20.0


class RedisKilled:
    """Redis dies and comes back with nothing in it."""

    name = "Redis SIGKILL and restart, empty"
    needs = Needs()

    async def strike(self, cluster: Cluster, crowd: Crowd) -> None:
        await asyncio.to_thread(cluster.redis.kill)
        await asyncio.sleep(AWAY_SECONDS)
        await asyncio.to_thread(cluster.redis.start)


class RedisPaused:
    """Connections to Redis stay open, and nothing answers on them."""

    name = "Redis SIGSTOP for 20 s"
    needs = Needs()

    async def strike(self, cluster: Cluster, crowd: Crowd) -> None:
        cluster.redis.pause()
        try:
            await asyncio.sleep(PAUSE_SECONDS)
        finally:
            cluster.redis.resume()


class ListenersKilled:
    """Redis ends the connections that listen, all at once, under load."""

    name = "Redis CLIENT KILL TYPE pubsub"
    needs = Needs()

    async def strike(self, cluster: Cluster, crowd: Crowd) -> None:
        kill = ("CLIENT", "KILL", "TYPE", "pubsub")
        killed = await asyncio.to_thread(cluster.redis.command, *kill)
        assert killed >= len(cluster.pods)


class SentinelFailover:
    """The master dies, its replica takes its place, and it comes back as the replica."""

    name = "Redis Sentinel failover"
    needs = Needs(sentinels=True)

    async def strike(self, cluster: Cluster, crowd: Crowd) -> None:
        assert cluster.sentinels is not None
        dead = await asyncio.to_thread(cluster.sentinels.fail_over)
        await asyncio.to_thread(cluster.sentinels.take_back, dead)
