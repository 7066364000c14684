"""Why servers cannot be used, and what to do about it, in one line without a secret."""

import re
from collections.abc import Mapping
from typing import Final

from pymongo.errors import (
    ConfigurationError,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from whatchat.adapters.mongo.deadlines import DISK_FULL, DISK_IS_FULL, kind_of
from whatchat.domain.errors import Unavailable
from whatchat.domain.ports.store import NotLetIn

AUTHENTICATION_FAILED: Final = 18
UNAUTHORIZED: Final = 13

NO_REPLICA_SET: Final = (
    "the MongoDB server is no replica set: start it with --replSet and run rs.initiate(), one node"
    " is enough"
)

_ADVICE: Final[Mapping[str, str]] = {
    "not known|no address|name resolution|not exist": "check the name, and this machine's DNS",
    "refused|connect call failed": "is MongoDB running and listening there?",
    "ssl|certificate": "check tls= in the URL and the certificates on both sides",
    "available for replica set name": "check replicaSet= in the URL, or run rs.initiate()",
    "members match|servers match": "they answer; run rs.initiate(), or wait for their election",
    "timed out|timeout|found yet|unreachable|no route": (
        "is MongoDB running, and do firewalls and network policies let this machine in?"
    ),
}
"""By what the driver says, the first that is found."""


def refusal(error: PyMongoError, *, within: float) -> Unavailable:
    """What it means that the driver did not get the servers to answer ``within`` seconds."""
    if isinstance(error, OperationFailure):
        return _refused(error)
    if isinstance(error, ServerSelectionTimeoutError):
        cause = re.split(r" \(configured|, Timeout:|,(?=\S)", str(error))[0]
        return Unavailable(f"no primary of a replica set within {within:g} s: {_advised(cause)}")
    if isinstance(error, ConfigurationError):  # of mongodb+srv://: the rest was looked at before
        return Unavailable(f"the servers cannot be looked up: {_advised(str(error))}")
    return Unavailable(f"MongoDB does not answer: {kind_of(error)}")


def _refused(error: OperationFailure) -> Unavailable:
    if error.code == AUTHENTICATION_FAILED:
        return NotLetIn(
            "MongoDB does not accept the user's name and password: check both, and authSource="
        )
    if error.code == UNAUTHORIZED:
        return NotLetIn("MongoDB does not let this user in: it needs readWrite on the database")
    if error.code == DISK_FULL:
        return Unavailable(DISK_IS_FULL)
    return Unavailable(f"MongoDB refuses to be read: {kind_of(error)}")


def _advised(cause: str) -> str:
    for pattern, advice in _ADVICE.items():
        if re.search(pattern, cause, re.IGNORECASE):
            return f"{cause.rstrip(': ')} ({advice})"
    return cause
