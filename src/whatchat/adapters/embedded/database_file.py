"""The file of a SQLite database, and how connections to it are made."""

import os
import sqlite3
from pathlib import Path
from typing import Final

_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA busy_timeout = 4000",
    "PRAGMA journal_size_limit = 67108864",
    # What is erased is overwritten in the file, not merely unlinked.
    "PRAGMA secure_delete = ON",
)


class DatabaseFile:
    """Whoever uses a connection sees to it that one thread does so at a time.

    Where its folder cannot be written, and no log lies beside it, what is only read is read
    as it stands.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self.is_memory = path == ":memory:"
        self._stands_still = False

    def connect(self) -> sqlite3.Connection:
        """A connection that writes, to the file that is made if need be."""
        if not self.is_memory:
            # For its owner's eyes alone; SQLite gives the log file the same mode.
            Path(self._path).touch(mode=0o600)
        connection = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        connection.row_factory = sqlite3.Row
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        return connection

    def connect_to_read(self) -> sqlite3.Connection:
        """A connection that writes nothing, to a file that is there."""
        if not self._stands_still:
            connection = self._reader("mode=ro")
            try:
                connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchall()
            except sqlite3.OperationalError:
                # To read, SQLite has to make its log's index, unless nobody writes.
                connection.close()
                if os.access(Path(self._path).parent, os.W_OK) or self._has_log():
                    raise
                self._stands_still = True
            else:
                return connection
        return self._reader("immutable=1")

    def require_as_it_was(self) -> None:
        """Raise once somebody writes to what is read as it stands."""
        if self._stands_still and self._has_log():
            raise sqlite3.OperationalError("somebody writes to what was to stand still")

    def _has_log(self) -> bool:
        return Path(f"{self._path}-wal").exists()

    def _reader(self, how: str) -> sqlite3.Connection:
        url = f"{Path(self._path).absolute().as_uri()}?{how}"
        connection = sqlite3.connect(url, uri=True, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA busy_timeout = 4000")
        return connection
