"""The plain stack on Node: a process for each of its pods, and the people in its store."""

import os
import signal
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from pymongo import MongoClient

from loadtests.bench.durable.crowd import Crowd
from tests.e2e.node_process import free_port, is_ready
from tests.servers.processes import ServerProcess

PROGRAM: Final = Path(__file__).parents[1] / "peers" / "node" / "durable" / "server.mjs"

_START_SECONDS: Final = 20
_STOP_SECONDS: Final = 10


class PeerProcess:
    """One pod of it on a port of its own; what it has to say is in ``log``."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.port = free_port()
        self.log = folder / "peer.log"
        own = {"PORT": str(self.port), "NODE_ENV": "production"}
        self._env = {**os.environ, **env, **own}
        self._process = ServerProcess("node")

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def start(self) -> None:
        """Return once it is ready; fails with what it said if it never is."""
        self._process.start(["node", PROGRAM], self.log, env=self._env)
        if not self._process.comes_up(partial(is_ready, self.port), seconds=_START_SECONDS):
            self.kill()
            raise AssertionError(f"the Node stack did not start:\n{self.log.read_text()}")

    def kill(self) -> None:
        """End it at once."""
        self._process.end(signal.SIGKILL, seconds=_STOP_SECONDS)


def settle_peers(store_url: str, *crowds: Crowd) -> None:
    """Have crowds move into the store that pods will find at ``store_url``."""
    with MongoClient[dict[str, Any]](store_url) as client:
        database = client.get_default_database()
        for crowd in crowds:
            database.users.insert_many(
                {"_id": user_id, "username": user_id, "displayName": user_id}
                for user_id in crowd.user_ids
            )
            database.rooms.insert_many(
                {"_id": room_id, "members": list(user_ids), "seq": 0}
                for room_id, user_ids in zip(crowd.room_ids, crowd.rooms, strict=True)
            )
