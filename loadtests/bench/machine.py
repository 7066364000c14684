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


def this_machine() -> Machine:
    """What a run made here and now says of itself."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Machine(
        date=datetime.now(UTC).date().isoformat(),
        processor=_processor(),
        cores=os.cpu_count() or 1,
        memory_gib=round(pages / 2**30, 1),
        kernel=platform.release(),
        python=platform.python_version(),
        node=_node_version(),
        packages={**{name: version(name) for name in _PACKAGES}, **_node_packages()},
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(": ")[2]
    return platform.machine()


def _node_version() -> str:
    try:
        ended = subprocess.run(
            ["node", "--version"], capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return "none"
    return ended.stdout.strip().removeprefix("v")


class _Package(Struct, frozen=True, kw_only=True):
    dependencies: dict[str, str]


def _node_packages() -> dict[str, str]:
    return msgspec.json.decode(_NODE.read_bytes(), type=_Package).dependencies
