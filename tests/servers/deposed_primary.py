"""A primary that had writes which nobody else had, and was replaced."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Self

from tests.servers.mongod import MongoNode, ReplicaSet

ALONE_SECONDS = 0.7
"""Less than it takes a primary to notice that it is alone; writes reach its disk within."""

PATIENCE_SECONDS = 30.0

_REMOVING = 21609
_ROLLED_BACK = 21612


class DeposedPrimary(NamedTuple):
    """Dead, while the others go on without what it alone had."""

    node: MongoNode

    @classmethod
    def of(cls, replica_set: ReplicaSet) -> Self:
        """Leave the primary alone with what is written meanwhile, end it, and start the others.

        Returns once one of them is the primary. Blocks for about three seconds.
        """
        primary, others = replica_set.primary(), replica_set.secondaries()
        _wait(lambda: all(map(_survives, others)), "the secondaries hold nothing on disk")
        for node in others:
            node.kill()
        time.sleep(ALONE_SECONDS)
        primary.kill()
        with ThreadPoolExecutor() as pool:
            list(pool.map(MongoNode.start, others))
        replica_set.primary()
        return cls(primary)

    def come_back(self) -> set[str]:
        """Start it; the collections of which it has then taken back inserts.

        Fails if it does not roll back within half a minute.
        """
        before = self.node.log.stat().st_size
        self.node.start()
        _wait(
            lambda: any(one["id"] == _ROLLED_BACK for one in _entries(self.node, before)),
            "nothing was rolled back",
        )
        _wait(lambda: _follows(self.node), "the old primary does not follow the new one")
        logged = _entries(self.node, before)
        return {one["attr"]["namespace"] for one in logged if one["id"] == _REMOVING}


def _follows(node: MongoNode) -> bool:
    return bool(node.command("hello")["secondary"])


def _survives(node: MongoNode) -> bool:
    """Whether a secondary, killed now, has what it needs to become the primary."""
    checkpoint = node.command("replSetGetStatus").get("lastStableRecoveryTimestamp")
    return _follows(node) and bool(checkpoint and checkpoint.time)


def _entries(node: MongoNode, start: int) -> list[dict[str, Any]]:
    """What it has logged since."""
    with node.log.open("rb") as log:
        log.seek(start)
        lines = log.read().splitlines()
    # The last line may be half written, and a restart begins with an empty one.
    return [json.loads(line) for line in lines if line.startswith(b"{") and line.endswith(b"}")]


def _wait(reached: Callable[[], bool], failure: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not reached():
        if time.monotonic() > deadline:
            raise AssertionError(failure)
        time.sleep(0.1)
