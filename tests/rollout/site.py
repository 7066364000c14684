"""A cluster small enough for one machine: stores, a proxy, and what acts as Kubernetes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.chart.helm import render
from tests.rollout.deployment import Deployment
from tests.rollout.endpoints import Endpoints, Sticky
from tests.rollout.ingress import Ingresses
from tests.rollout.wanted import Template, Wanted
from tests.servers.mongod import ReplicaSet
from tests.servers.redis_server import RedisServer
from tests.waiting import until

DATABASE: Final = "whatchat"
UP_SECONDS: Final = 60.0

Values = Mapping[str, Any]

QUICK: Final[Values] = {
    "config": {"drainSeconds": 2},
    "server": {"preStopSeconds": 1, "minReadySeconds": 1},
}
"""Times with which all goes through in a quarter of a minute."""

QUICK_DELAY: Final = 2.0


class Shape(NamedTuple):
    """How the cluster is; ``values`` are the chart's, and ``spoil`` takes what they render.

    So many ``proxies`` share one port.
    """

    values: Values
    replicas: int = 3
    proxies: int = 1
    nodes: int = 3
    delay: tuple[float, float] = (0.0, 5.0)
    sticky: Sticky = "gone"
    balance: str = "leastconn"
    spoil: Callable[[Template], Template] = lambda template: template


class Site(NamedTuple):
    """All that runs."""

    store: str
    mongo: ReplicaSet
    redis: RedisServer
    ingress: Ingresses
    pods: Deployment
    worker: Deployment

    @property
    def deployments(self) -> tuple[Deployment, Deployment]:
        """Both of the chart's."""
        return self.pods, self.worker

    def is_up(self) -> bool:
        """Whether all that is wanted is up, and all else has ended.

        Fails if anything has happened to a pod that may not.
        """
        assert [trouble for each in self.deployments for trouble in each.troubles()] == []
        return all(deployment.is_rolled_out() for deployment in self.deployments)


@asynccontextmanager
async def site(shape: Shape, folder: Path) -> AsyncIterator[Site]:
    """One that is up: all pods are ready, and the proxy knows them."""
    async with AsyncExitStack() as ends:

        async def up(server: ReplicaSet | RedisServer | Ingresses) -> None:
            ends.push_async_callback(asyncio.to_thread, server.stop)
            await asyncio.to_thread(server.start)

        mongo = ReplicaSet(folder / "mongo", nodes=shape.nodes)
        redis = RedisServer(folder / "redis")
        ingress = Ingresses(folder, shape.proxies, balance=shape.balance)
        await asyncio.gather(up(mongo), up(redis), up(ingress))
        store = mongo.url(DATABASE)
        pods, worker = (Deployment(wanted, folder) for wanted in wanted_by(shape, store, redis.url))
        for deployment in (pods, worker):
            ends.push_async_callback(deployment.close)
            deployment.start()
        endpoints = Endpoints(pods, ingress, shape.delay, shape.sticky)
        ends.push_async_callback(endpoints.close)
        endpoints.start()
        here = Site(store, mongo, redis, ingress, pods, worker)
        await until(lambda: here.is_up() and endpoints.are_told(), seconds=UP_SECONDS)
        yield here


def wanted_by(shape: Shape, store: str, redis: str) -> tuple[Wanted, Wanted]:
    """What the chart asks for pods and for workers."""
    here: Values = {
        "mongodb": {"enabled": False, "url": store},
        "redis": {"enabled": False, "url": redis},
    }
    config = {"trustedProxies": ["127.0.0.1/32"], "rateLimits": False}
    values = {**shape.values, **here, "config": {**config, **shape.values.get("config", {})}}
    server = {**shape.values.get("server", {}), "replicas": shape.replicas}
    objects = render({**values, "server": server})
    pods, worker = Wanted.of(objects, "whatchat"), Wanted.of(objects, "whatchat-worker")
    return pods._replace(template=shape.spoil(pods.template)), worker
