"""Heads on their way outside, where whoever holds the store cannot change them."""

import asyncio
import os
from pathlib import Path
from typing import Final

import msgspec
import structlog

from whatchat.audit.heads import EVENT, Head

FILE_SECONDS: Final = 10.0

log = structlog.get_logger("whatchat.audit")


class HandingOut:
    """Writes heads to the log and, if one is named, to a file.

    Appended is one line of JSON, synced to disk. A file that cannot be written is logged: the
    head is in the log then, and the next one covers what this one does.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file

    async def hand_out(self, head: Head) -> None:
        """Tell outside."""
        log.info(EVENT, **msgspec.structs.asdict(head))
        if self._file is None:
            return
        try:
            async with asyncio.timeout(FILE_SECONDS):
                await asyncio.to_thread(_append, self._file, head.encode())
        except (OSError, TimeoutError) as error:
            log.warning(
                "an audit head is not in its file: see that its disk has room and takes writes",
                file=str(self._file),
                error=repr(error),
            )


def _append(path: Path, line: bytes) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            line = b"\n" + line  # a line that was cut off stays alone
        file.write(line + b"\n")
        os.fsync(descriptor)
