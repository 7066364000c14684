"""A node's log, read as it grows."""

import json
from collections import deque
from pathlib import Path
from typing import Any, Final

BY_THE_WAY: Final = frozenset({"command", "audit head"})


class NodeLog:
    """Counts lines, but for those that each command leaves, and those that come by the clock."""

    def __init__(self, path: Path) -> None:
        self.levels: set[str] = set()
        self.latest: deque[dict[str, Any]] = deque(maxlen=16)
        self._path = path
        self._offset = self._lines = self._present = 0

    @property
    def lines(self) -> int:
        """How many there are so far."""
        self._read_on()
        return self._lines

    @property
    def present(self) -> int:
        """How many clients are connected, by what the log says."""
        self._read_on()
        return self._present

    def _read_on(self) -> None:
        with self._path.open("rb") as log:
            log.seek(self._offset)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                if line.startswith(b"{"):
                    self._count(json.loads(line))

    def _count(self, line: dict[str, Any]) -> None:
        self.levels.add(line["level"])
        if line["event"] not in BY_THE_WAY:
            self._lines += 1
            self.latest.append(line)
        self._present += (line["event"] == "connected") - (line["event"] == "disconnected")
