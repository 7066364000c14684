"""A cluster on this machine whose pods are replaced as Kubernetes would, by what the chart says."""

import asyncio
import secrets
import threading
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import uvloop

from loadtests.stage.programs import crashes, versions
from loadtests.stage.stages import EARLY
from tests.rollout.site import QUICK, QUICK_DELAY, Shape, Site, Values, site
from tests.servers.by_hand import CannotStart, in_a_line
from tests.waiting import until

ROLLED_SECONDS: Final = 600.0


class Rolling:
    """Lives on an event loop in a thread of its own; ``disturb`` replaces all pods and workers."""

    moment = EARLY

    def __init__(self, here: Site, loop: asyncio.AbstractEventLoop, secret: str) -> None:
        self.secret = secret
        self._site = here
        self._loop = loop

    @property
    def url(self) -> str:
        return self._site.ingress.url

    @property
    def store_url(self) -> str:
        return self._site.store

    def pods(self) -> Mapping[str, str]:
        return {pod.name: pod.internal for pod in self._site.pods.pods if not pod.has_ended}

    def processes(self) -> Mapping[str, Collection[int]]:
        return {
            "pods": [pod.pid for pod in self._site.pods.pods if pod.pid],
            "worker": [pod.pid for pod in self._site.worker.pods if pod.pid],
            "mongod": [node.pid for node in self._site.mongo.nodes],
            "redis": [self._site.redis.pid],
            "haproxy": [ingress.pid for ingress in self._site.ingress.each],
        }

    def versions(self) -> Mapping[str, str]:
        return versions(self._site.mongo)

    def disturb(self) -> None:
        """All pods and workers are replaced, one after the other."""
        asyncio.run_coroutine_threadsafe(self._roll(), self._loop).result()

    def troubles(self) -> list[str]:
        every = [pod for each in self._site.deployments for pod in each.pods]
        return [
            *(trouble for each in self._site.deployments for trouble in each.troubles()),
            *(f"{pod.name} was killed" for pod in every if pod.was_killed),
            *crashes(every),
        ]

    async def _roll(self) -> None:
        for deployment in self._site.deployments:
            deployment.roll(2)
        await until(self._site.is_up, seconds=ROLLED_SECONDS)


@contextmanager
def rolling(
    folder: Path, *, pods: int, proxies: int, mongo_nodes: int, short: bool
) -> Iterator[Rolling]:
    """One that is up, until it is left. ``short`` times take the place of the chart's own."""
    secret = secrets.token_hex(32)
    values: Values = {**(QUICK if short else {}), "secrets": {"jwtSecret": secret}}
    shape = Shape(values, replicas=pods, proxies=proxies, nodes=mongo_nodes)
    if short:
        shape = shape._replace(delay=(0.0, QUICK_DELAY))
    life = _Life(shape, folder)
    life.thread.start()
    try:
        here, loop = _begun(life)
        yield Rolling(here, loop, secret)
    finally:
        life.end()


def _begun(life: "_Life") -> tuple[Site, asyncio.AbstractEventLoop]:
    try:
        return life.begun.result()
    except AssertionError as error:
        raise CannotStart(in_a_line(error)) from error


class _Life:
    """A site from its beginning to its end, in a thread."""

    def __init__(self, shape: Shape, folder: Path) -> None:
        self.begun: Future[tuple[Site, asyncio.AbstractEventLoop]] = Future()
        self.thread = threading.Thread(target=self._live, name="rollout", daemon=True)
        self._shape = shape
        self._folder = folder
        self._told = threading.Event()

    def end(self) -> None:
        self._told.set()
        self.thread.join()

    def _live(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._lived())

    async def _lived(self) -> None:
        try:
            async with site(self._shape, self._folder) as here:
                self.begun.set_result((here, asyncio.get_running_loop()))
                await asyncio.to_thread(self._told.wait)
        except BaseException as error:
            if self.begun.done():
                raise
            self.begun.set_exception(error)
