"""How much is computed meanwhile, and by whom."""

import time
from collections.abc import Mapping
from typing import NamedTuple

from loadtests.bench.process import machine_seconds
from loadtests.bench.samples import Measure
from loadtests.bench.servers import Server


class Watch:
    """The processor time of server, load and everything else since it was made."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._before = self._now()

    @property
    def server_us(self) -> float:
        """What the server has used, in microseconds."""
        return (self._server.cpu_seconds - self._before.server) * 1e6

    def shares(self) -> Mapping[Measure, float]:
        """How much of its core each has used; of all others, what they used of any core.

        Redis, where there is one, shares the load's core.
        """
        now, before = self._now(), self._before
        per_cent = 100 / (now.passed - before.passed)
        server, load = now.server - before.server, now.load - before.load
        redis = now.redis - before.redis
        others = max(0.0, now.machine - before.machine - server - load - redis)
        return {
            Measure.SERVER_SHARE: server * per_cent,
            Measure.LOAD_SHARE: load * per_cent,
            **({Measure.REDIS_SHARE: redis * per_cent} if self._server.has_redis else {}),
            Measure.OTHERS_SHARE: others * per_cent,
        }

    def _now(self) -> "_Seconds":
        return _Seconds(
            time.monotonic(),
            self._server.cpu_seconds,
            time.process_time(),
            self._server.redis_seconds,
            machine_seconds(),
        )


class _Seconds(NamedTuple):
    passed: float
    server: float
    load: float
    redis: float
    machine: float
