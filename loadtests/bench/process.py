"""What the kernel says about a process."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_ALLOWED: Final = sorted(os.sched_getaffinity(0))
ALL_CORES: Final = tuple(_ALLOWED)
SERVER_CORE: Final = _ALLOWED[0]
LOAD_CORE: Final = _ALLOWED[-1]
"""The same as the server's only where there is no other."""

_UTIME: Final = 11  # counted from behind the command's name, which may hold spaces
_STIME: Final = 12


def cpu_seconds(pid: int) -> float:
    """The time that all of a process' threads have run, in the kernel's service included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[_UTIME]) + int(fields[_STIME])) / _TICKS


def has_ended(pid: int) -> bool:
    """Whether a process of our own is over, and nobody has asked how it ended."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def resident_bytes(pid: int) -> int:
    """The memory of a process that is in RAM."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE


def machine_seconds() -> float:
    """The time that all cores have spent on programs, also those of other machines beside us."""
    user, nice, system, *_, steal = map(int, Path("/proc/stat").read_text().split(maxsplit=9)[1:9])
    return (user + nice + system + steal) / _TICKS


@contextlib.contextmanager
def pinned(*cores: int) -> Iterator[None]:
    """Keep this thread, and the processes that it starts, on these cores for a while."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
