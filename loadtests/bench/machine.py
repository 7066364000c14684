"""Where and with what a run was made."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

_NODE: Final = Path(__file__).parent / "peers" / "node" / "package.json"
_PACKAGES: Final = ("python-socketio", "python-engineio", "uvicorn", "uvloop", "picows")
_WITH_REDIS: Final = ("hiredis", "redis")
_REDIS: Final = "redis"
_STORED: Final = {"express", "mongoose"}
"""What only the stack that stores its messages has."""


class Machine(Struct, frozen=True, kw_only=True):
    """The machine, the date, and the versions of what was compared."""

    date: str
    processor: str
    cores: int
    memory_gib: float
    kernel: str
    python: str
    node: str
    packages: dict[str, str]


def this_machine(*, redis: bool = False) -> Machine:
    """What a run made here and now says of itself, ``redis``: if it is one with Redis."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Machine(
        date=datetime.now(UTC).date().isoformat(),
        processor=processor(),
        cores=os.cpu_count() or 1,
        memory_gib=round(pages / 2**30, 1),
        kernel=platform.release(),
        python=platform.python_version(),
        node=_first_line("node", "--version").removeprefix("v"),
        packages=_packages() | (_redis_packages() if redis else {}),
    )


def processor() -> str:
    """What the machine computes with, as its maker calls it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(": ")[2]
    return platform.machine()


def _packages() -> dict[str, str]:
    python = {name: version(name) for name in _PACKAGES}
    node = {
        name: at
        for name, at in node_packages().items()
        if _REDIS not in name and name not in _STORED
    }
    return python | node


def _redis_packages() -> dict[str, str]:
    """The server, and what the servers of the comparison reach it with."""
    _, _, server = _first_line("redis-server", "--version").partition("v=")
    python = {f"{name} (Python)": version(name) for name in _WITH_REDIS}
    node = {name: at for name, at in node_packages().items() if _REDIS in name}
    return {"redis-server": server.partition(" ")[0]} | python | node


def _first_line(*command: str) -> str:
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return "none"
    return ended.stdout.partition("\n")[0].strip()


class _Package(Struct, frozen=True, kw_only=True):
    dependencies: dict[str, str]


def node_packages() -> dict[str, str]:
    """The libraries of both stacks on Node, and their versions."""
    return msgspec.json.decode(_NODE.read_bytes(), type=_Package).dependencies
