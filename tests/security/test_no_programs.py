"""The product starts no other program and writes nothing beside its data: no shell is needed."""

import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import whatchat
from tests.e2e.node_process import NodeProcess
from tests.e2e.raw import Socket, direct_room, register, rest
from tests.servers.mongod import ReplicaSet
from tests.servers.redis_server import RedisServer
from tests.servers.worker_process import WorkerProcess

PACKAGE = Path(whatchat.__file__).parent
STRACE = "/usr/bin/strace"
NOTHING_AROUND = {"PATH": "", "PYTHONDONTWRITEBYTECODE": "1"}

_STARTED = re.compile(r'execve\("([^"]*)"')
_WRITTEN = re.compile(r'openat\([^"]*"([^"]*)", [^)\n]*O_(?:WRONLY|RDWR|CREAT)')


class Watched:
    """What a command of the product started and wrote, by what the kernel was asked for."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "calls"

    @property
    def program(self) -> Sequence[str]:
        """In place of ``-m whatchat``: the same under strace, which keeps the process id."""
        call = ["strace", "-D", "-f", "--seccomp-bpf", "-qq"]
        call += [
            "-e",
            "trace=execve,openat",
            "-o",
            str(self._log),
            sys.executable,
            "-m",
            "whatchat",
        ]
        return "-c", f"import os, sys; os.execv({STRACE!r}, {call!r} + sys.argv[1:])"

    def require_nothing_foreign(self) -> None:
        """Fail if there was any program but the product, or a write where its code is."""
        calls = self._log.read_text()
        assert set(_STARTED.findall(calls)) == {sys.executable}
        written = [path for path in _WRITTEN.findall(calls) if path.startswith(str(PACKAGE))]
        assert written == []


class WatchedWorker(WorkerProcess):
    """A worker under watch."""

    def __init__(self, data_dir: Path, env: Mapping[str, str], program: Sequence[str]) -> None:
        super().__init__(data_dir, env)
        self._program = program


async def test_a_node_starts_no_program(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    node = NodeProcess(tmp_path, NOTHING_AROUND, program=watched.program)
    node.start()
    ada, bob = await register(node, "ada"), await register(node, "bob")
    room = await direct_room(node, ada, bob)
    socket = await Socket.connect(node, ada)
    said = {"roomId": room, "clientId": "the-client-id-0001", "content": "hello"}
    assert (await socket.ask("message:send", said))["ok"]
    assert (await rest(node, "GET", f"/messages/{room}", token=bob.token))[0] == 200
    await socket.close()
    assert node.terminate() == 0
    watched.require_nothing_foreign()


def test_a_worker_and_a_migration_start_no_program(
    tmp_path: Path, mongo: ReplicaSet, redis_server: RedisServer
) -> None:
    env = {
        **NOTHING_AROUND,
        "WHATCHAT_STORE_URL": mongo.url("programs"),
        "WHATCHAT_REDIS_URL": redis_server.url,
        "WHATCHAT_JWT_SECRET": "a secret of more than thirty-two bytes",
    }
    migration = Watched(tmp_path)
    done = subprocess.run(
        [sys.executable, *migration.program, "migrate"], env=env, cwd=tmp_path, check=False
    )
    assert done.returncode == 0
    migration.require_nothing_foreign()
    watched = Watched(tmp_path)
    worker = WatchedWorker(tmp_path, env, watched.program)
    worker.start()
    assert worker.terminate() == 0
    watched.require_nothing_foreign()
