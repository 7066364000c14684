"""The size of one answer."""

from collections.abc import Sequence
from typing import Final

import msgspec

from whatchat.domain.models import Message, View

MAX_BYTES: Final = 256 * 1024
ENVELOPE_BYTES: Final = 1024
FRAME_BYTES: Final = 256


class Page:
    """Counts what an answer holds, in messages and in bytes of JSON; its first message fits."""

    def __init__(self, limit: int) -> None:
        self.messages_left = limit
        self._bytes_left = MAX_BYTES - ENVELOPE_BYTES
        self.is_empty = True
        self._has_messages = False

    @property
    def is_full(self) -> bool:
        """Whether nothing more fits."""
        return not self.is_empty and (self.messages_left <= 0 or self._bytes_left <= 0)

    def add(self, *parts: View) -> bool:
        """Count a room's part but for its messages; false, and not counted, if it does not fit.

        The first always does.
        """
        size = FRAME_BYTES + sum(len(msgspec.json.encode(part)) + 1 for part in parts)
        if not self.is_empty and size > self._bytes_left:
            return False
        self.is_empty = False
        self._bytes_left -= size
        return True

    def take(self, messages: Sequence[Message]) -> list[Message]:
        """As many messages as fit, from the first on; at least one in an answer."""
        taken: list[Message] = []
        for message in messages:
            size = len(msgspec.json.encode(message)) + 1
            if self._has_messages and (self.messages_left <= 0 or size > self._bytes_left):
                break
            self._has_messages = True
            self._bytes_left -= size
            self.messages_left -= 1
            taken.append(message)
        return taken
