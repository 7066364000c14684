"""The programs of a cluster here: their versions, and what is wrong in their logs."""

import subprocess
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Final, Protocol

from tests.servers.mongod import ReplicaSet

MOST_TOLD: Final = 3
MOST_CHARACTERS: Final = 2_000


class Logging(Protocol):
    """A process of the product."""

    @property
    def log(self) -> Path:
        """What it logs."""

    def tracebacks(self) -> list[str]:
        """Each that it has logged."""


def versions(mongo: ReplicaSet) -> Mapping[str, str]:
    """That of a MongoDB that runs, and of what is installed besides."""
    return {
        "mongod": str(mongo.nodes[0].command("buildInfo")["version"]),
        "redis-server": _version("redis-server", "--version", behind="v="),
        "haproxy": _version("haproxy", "-v", behind="version "),
    }


def crashes(programs: Iterable[Logging]) -> Iterator[str]:
    """The first tracebacks of each, cut short, and how many there are besides."""
    for program in programs:
        found = program.tracebacks()
        for text in islice(found, MOST_TOLD):
            yield f"{program.log}: {text[:MOST_CHARACTERS]}"
        if len(found) > MOST_TOLD:
            yield f"{program.log}: and {len(found) - MOST_TOLD:,} more tracebacks"


def _version(*command: str, behind: str) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    _, _, told = ended.stdout.partition("\n")[0].partition(behind)
    return told.partition(" ")[0]
