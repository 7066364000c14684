"""The servers, each a process of its own on a core of its own."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from loadtests.bench.people import SECRET
from loadtests.bench.process import SERVER_CORE, cpu_seconds, pinned, resident_bytes
from loadtests.bench.program import ended, first_line

_READY: Final = "listening on "
_HERE: Final = Path(__file__).parent

COMMANDS: Final[Mapping[str, Sequence[str]]] = {
    "ours": (sys.executable, "-m", "loadtests.bench.ours"),
    "stock": (sys.executable, str(_HERE / "peers" / "stock.py")),
    "node": ("node", str(_HERE / "peers" / "node" / "server.mjs")),
}
"""How each server is started: with the secret as its argument; it prints its port."""


class Server:
    """One running server."""

    def __init__(self, pid: int, port: int) -> None:
        self.port = port
        self._pid = pid

    @property
    def cpu_seconds(self) -> float:
        """The time that it has computed so far."""
        return cpu_seconds(self._pid)

    @property
    def resident_bytes(self) -> int:
        """Its memory now."""
        return resident_bytes(self._pid)


@contextlib.contextmanager
def running(name: str) -> Iterator[Server]:
    """A server from its start to its end, on the first core that there is."""
    with pinned(SERVER_CORE):  # which all its threads inherit
        process = subprocess.Popen(
            [*COMMANDS[name], SECRET],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_HERE.parents[1],
        )
    with ended(process):
        yield Server(process.pid, int(first_line(process, _READY)))
