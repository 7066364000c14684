"""Servers that fail on purpose."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.servers.mongod import ReplicaSet

INTERRUPTED = 11601
WRITE_CONCERN_FAILED = 64


@contextmanager
def refusing(replica_set: ReplicaSet, command: str, collection: str) -> Iterator[None]:
    """While this lasts the server refuses one command on one collection, undone.

    What a writer does up to there is all that it does, as if it had died.
    """
    data = {
        "failCommands": [command],
        "namespace": f"test.{collection}",
        "errorCode": INTERRUPTED,
    }
    with _failing(replica_set, data):
        yield


@contextmanager
def answering_before_a_majority(replica_set: ReplicaSet) -> Iterator[None]:
    """While this lasts inserts are answered at once: that no majority has them, and why not."""
    late = {"code": WRITE_CONCERN_FAILED, "errmsg": "waiting for replication timed out"}
    data = {"failCommands": ["insert"], "writeConcernError": late}
    with _failing(replica_set, data):
        yield


@contextmanager
def lingering(
    replica_set: ReplicaSet, command: str, collection: str, *, seconds: float
) -> Iterator[None]:
    """While this lasts the server takes so long over one command on one collection."""
    data = {
        "failCommands": [command],
        "namespace": f"test.{collection}",
        "blockConnection": True,
        "blockTimeMS": round(seconds * 1000),
    }
    with _failing(replica_set, data):
        yield


@contextmanager
def _failing(replica_set: ReplicaSet, data: Mapping[str, object]) -> Iterator[None]:
    primary = replica_set.primary()
    primary.command("configureFailPoint", "failCommand", mode="alwaysOn", data=data)
    try:
        yield
    finally:
        primary.command("configureFailPoint", "failCommand", mode="off")
