"""``python -m loadtests.bench.scraping.pod SECRET``: sockets that tell all there is to tell.

Every label has as many values as it is declared to have at most.
"""

import asyncio
import itertools
import logging
import sys
from time import perf_counter
from typing import NoReturn

import uvloop
from prometheus_client import Gauge

from loadtests.bench.ours.sockets import sockets
from whatchat.entrypoints.asgi import PodApplication, http_application
from whatchat.entrypoints.handshake import Handshake, HandshakePolicy
from whatchat.entrypoints.probes import Readiness, probe_routes
from whatchat.entrypoints.server import (
    PodServer,
    connections_within,
    handles_of,
    listen,
    raise_descriptor_limit,
    spare_collector,
)
from whatchat.observability.logging import configure_logging
from whatchat.observability.metrics import Metrics, declarations
from whatchat.observability.process import Process
from whatchat.settings import Settings

TICK_SECONDS = 0.001


class Gaps:
    """Watches for how long others had no turn, and tells the longest since it last told."""

    def __init__(self, metrics: Metrics) -> None:
        self._longest = 0.0
        gauge = Gauge("bench_gap_seconds", "The longest gap.", registry=metrics.registry)
        gauge.set_function(self._told)

    async def watch(self) -> NoReturn:
        """Until cancelled."""
        while True:
            begun = perf_counter()
            await asyncio.sleep(TICK_SECONDS)
            self._longest = max(self._longest, perf_counter() - begun - TICK_SECONDS)

    def _told(self) -> float:
        longest, self._longest = self._longest, 0.0
        return longest


def main() -> None:
    """Serve on a free port of this machine, and print it."""
    configure_logging(level=logging.WARNING)
    uvloop.run(_serve(sys.argv[1].encode()))


async def _serve(secret: bytes) -> None:
    policy, metrics = HandshakePolicy(), Metrics()
    _fill(metrics)
    realtime = sockets(secret, policy, Settings(), metrics=metrics)
    await realtime.start()
    Process(metrics, "pod", "bench", lambda: len(realtime.hub)).start()
    watching = asyncio.create_task(Gaps(metrics).watch(), name="gaps")
    spare_collector()
    probes = probe_routes(Readiness({}, metrics), metrics)
    server = PodServer(
        PodApplication(http_application([], probes), Handshake(realtime.app, policy)),
        most_connections=connections_within(raise_descriptor_limit()),
        websocket=realtime.websocket,
    )
    listener = listen("127.0.0.1", 0)
    sys.stdout.write(f"listening on {listener.getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve(sockets=handles_of(listener))
    watching.cancel()


def _fill(metrics: Metrics) -> None:
    for attribute, declared in declarations():
        metric = getattr(metrics, attribute)
        values = [map("value-{}".format, range(most)) for most in declared.labels.values()]
        for labels in itertools.product(*values):
            child = metric.labels(*labels) if labels else metric
            if declared.kind == "histogram":
                child.observe(0.01)


if __name__ == "__main__":
    main()
