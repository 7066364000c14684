"""The versions of the programs that pods stand on here."""

import subprocess

from tests.servers.mongod import ReplicaSet


def mongod_version(mongo: ReplicaSet) -> str:
    """That of one that runs."""
    return str(mongo.nodes[0].command("buildInfo")["version"])


def redis_version() -> str:
    """That of the one which is installed."""
    _, _, told = _said("redis-server", "--version").partition("v=")
    return told.partition(" ")[0]


def haproxy_version() -> str:
    """That of the one which is installed."""
    _, _, told = _said("haproxy", "-v").partition("version ")
    return told.partition(" ")[0]


def _said(*command: str) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    return ended.stdout.partition("\n")[0]
