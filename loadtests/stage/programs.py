"""The versions of the programs that pods stand on here."""

import subprocess
from collections.abc import Mapping

from tests.servers.mongod import ReplicaSet


def versions(mongo: ReplicaSet) -> Mapping[str, str]:
    """That of a MongoDB that runs, and of what is installed besides."""
    return {
        "mongod": str(mongo.nodes[0].command("buildInfo")["version"]),
        "redis-server": _version("redis-server", "--version", behind="v="),
        "haproxy": _version("haproxy", "-v", behind="version "),
    }


def _version(*command: str, behind: str) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    _, _, told = ended.stdout.partition("\n")[0].partition(behind)
    return told.partition(" ")[0]
