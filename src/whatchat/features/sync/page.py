"""The size of one answer."""

from typing import Final

import msgspec

from whatchat.domain.models import Message, View

MAX_BYTES: Final = 256 * 1024
FRAME_BYTES: Final = 128


class Page:
    """Counts what an answer holds, in messages and in bytes of JSON."""

    def __init__(self, limit: int) -> None:
        self.messages_left = limit
        self.bytes_left = MAX_BYTES
        self.is_empty = True

    @property
    def is_full(self) -> bool:
        """Whether nothing more fits; an empty page always takes something."""
        return not self.is_empty and (self.messages_left <= 0 or self.bytes_left <= 0)

    def add(self, part: View) -> None:
        """Count something that is not a message."""
        self.is_empty = False
        self.bytes_left -= len(msgspec.json.encode(part))

    def add_frame(self) -> None:
        """Count what surrounds a room's part, however little is in it."""
        self.bytes_left -= FRAME_BYTES

    def take(self, messages: list[Message]) -> list[Message]:
        """As many messages as fit, from the first on; at least one on an empty page."""
        taken: list[Message] = []
        for message in messages:
            if self.is_full:
                break
            self.add(message)
            self.messages_left -= 1
            taken.append(message)
        return taken
