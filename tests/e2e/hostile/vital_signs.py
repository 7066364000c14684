"""What a process holds, from the outside."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

MEBIBYTE: Final = 1 << 20
SAMPLE_SECONDS: Final = 0.02


class VitalSigns:
    """One process's memory, processor time and sockets. Linux only."""

    def __init__(self, pid: int) -> None:
        self._process = Path("/proc") / str(pid)
        self.peak = 0.0

    @property
    def resident(self) -> float:
        """Resident memory in MiB."""
        pages = int((self._process / "statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE") / MEBIBYTE

    @property
    def cpu_seconds(self) -> float:
        """Processor time spent so far, the system's on its behalf included."""
        fields = (self._process / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def sockets(self) -> int:
        """How many sockets are open, listening ones included."""
        return sum(self._is_socket(path) for path in (self._process / "fd").iterdir())

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Record in ``peak`` the most memory that was resident meanwhile, in MiB."""
        self.peak = self.resident
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()

    async def _watch(self) -> None:
        while True:
            self.peak = max(self.peak, self.resident)
            await asyncio.sleep(SAMPLE_SECONDS)

    def _is_socket(self, path: Path) -> bool:
        try:
            return str(path.readlink()).startswith("socket:")
        except FileNotFoundError:  # closed since it was listed
            return False
