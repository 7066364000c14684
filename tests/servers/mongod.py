"""A real ``mongod`` for tests."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.e2e.node_process import free_port
from tests.servers.processes import ServerProcess

FETCH = Path(__file__).parents[2] / ".ci" / "mongod"
READY_SECONDS = 20
STOP_SECONDS = 10
ATTEMPTS = 5

Answer = dict[str, Any]

_lifelong = ThreadPoolExecutor(1, "mongod")
"""The system ends a ``mongod`` with the thread that started it: this one ends with the process."""


@cache
def program() -> str:
    """Where ``mongod`` is, fetched if need be."""
    fetched = subprocess.run(
        [FETCH],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHON": sys.executable},
    )
    return fetched.stdout.strip()


class MongoNode:
    """One ``mongod`` on a loopback port, and its folder; both survive its restarts.

    All methods block. What ends it also works while it is paused. It ends with the process
    that started it, however that ends. Fail points can be set.
    """

    def __init__(self, folder: Path, options: Sequence[str] = ()) -> None:
        self.port = 0
        self._folder = folder
        self._options = options
        self._process = ServerProcess("mongod")
        self._client: MongoClient[Answer] | None = None

    @property
    def host(self) -> str:
        """Its name in a replica set."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Its process now."""
        return self._process.pid

    @property
    def log(self) -> Path:
        """What it logs."""
        return self._folder / "mongod.log"

    def start(self, *, alone: bool = False) -> None:
        """Start it on what its folder holds, and return once it answers.

        A node that is ``alone`` is of no replica set.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        for _ in range(1 if self.port else ATTEMPTS):
            port = self.port or free_port()
            role = [] if alone else ["--replSet", ReplicaSet.NAME]
            _lifelong.submit(self._process.start, self._command(port, role), None).result()
            self._client = _direct(port)
            if self._process.comes_up(self._answers, seconds=READY_SECONDS):
                self.port = port
                return
            self.kill()  # somebody else has taken the port, most likely
        raise AssertionError(f"mongod did not start: see {self.log}")

    def stop(self) -> None:
        """End it as its operator would: it steps down and writes all it has."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._end(signal.SIGKILL)

    def discard(self) -> None:
        """End it and remove what it holds, but for its log."""
        self.kill()
        for path in self._folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path != self.log:
                path.unlink()

    def pause(self) -> None:
        """Stop it in its tracks: its connections stay open, and nothing answers."""
        self._process.send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._process.send(signal.SIGCONT)

    def command(self, name: str, value: Any = 1, **arguments: Any) -> Answer:
        """This node's own answer to an administrator's command."""
        if self._client is None:
            raise RuntimeError("mongod is not running")
        return self._client.admin.command(name, value, **arguments)

    def is_primary(self) -> bool:
        """Whether it takes writes; not, if it does not answer."""
        try:
            return bool(self.command("hello")["isWritablePrimary"])
        except (PyMongoError, RuntimeError):
            return False

    def _command(self, port: int, role: Sequence[str]) -> list[str | Path]:
        return [
            *("setpriv", "--pdeathsig", "KILL", program()),
            *("--bind_ip", "127.0.0.1", "--port", str(port), *role),
            *("--dbpath", self._folder, "--logpath", self.log, "--logappend", "--quiet"),
            *("--wiredTigerCacheSizeGB", "4", "--oplogSize", "990", "--nounixsocket"),
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            *("--setParameter", "enableTestCommands=1"),
            *self._options,
        ]

    def _answers(self) -> bool:
        with contextlib.suppress(PyMongoError):
            self.command("ping")
            return True
        return False

    def _end(self, how: signal.Signals) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None
        self._process.end(how, seconds=STOP_SECONDS)


class ReplicaSet:
    """One node or several that elect a primary, within about a second."""

    NAME = "rs0"

    def __init__(self, folder: Path, nodes: int = 1, options: Sequence[str] = ()) -> None:
        self.nodes = [MongoNode(folder / f"node-{number}", options) for number in range(nodes)]

    def url(self, database: str = "") -> str:
        """Where clients find it."""
        hosts = ",".join(node.host for node in self.nodes)
        return f"mongodb://{hosts}/{database}?replicaSet={self.NAME}"

    def start(self) -> None:
        """Start the nodes, make them a replica set and return once it has a primary."""
        for node in self.nodes:
            node.start()
        members = [{"_id": number, "host": node.host} for number, node in enumerate(self.nodes)]
        settings = {"electionTimeoutMillis": 1000, "heartbeatIntervalMillis": 250}
        self.nodes[0].command(
            "replSetInitiate", {"_id": self.NAME, "members": members, "settings": settings}
        )
        self.primary()

    def stop(self) -> None:
        """End all nodes, and remove what they hold."""
        for node in self.nodes:
            node.discard()

    def primary(self, *, seconds: float = READY_SECONDS) -> MongoNode:
        """The node that takes writes, once there is one."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for node in self.nodes:
                if node.is_primary():
                    return node
            time.sleep(0.02)
        raise AssertionError("the replica set has no primary")

    def secondaries(self) -> list[MongoNode]:
        """The nodes beside the primary."""
        primary = self.primary()
        return [node for node in self.nodes if node is not primary]

    def step_down(self, *, seconds: int = 10) -> None:
        """Have the primary give its place up, and not take it again for so long."""
        self.primary().command("replSetStepDown", seconds, force=True)

    def empty(self, database: str) -> None:
        """Remove every document of a database; its collections and indexes stay."""
        with _direct(self.primary().port) as client:
            for name in client[database].list_collection_names():
                client[database][name].delete_many({})


def _direct(port: int) -> MongoClient[Answer]:
    return MongoClient("127.0.0.1", port, directConnection=True, timeoutMS=2_000)
