"""What waits to be written to one client."""

import asyncio
from collections import deque

from whatchat.realtime.codec import Frame


class Outbox:
    """Frames in order, counted in bytes. Its bound is kept by whoever puts frames in."""

    def __init__(self) -> None:
        self.size = 0
        self.ended = False
        self._frames: deque[Frame] = deque()
        self._ending = False
        self._changed = asyncio.Event()

    def put(self, frame: Frame) -> None:
        """Add a frame; dropped once the end is set."""
        if not self._ending:
            self._frames.append(frame)
            self.size += frame.size
            self._changed.set()

    def end(self) -> None:
        """Let nothing follow what is in."""
        self._ending = True
        self._changed.set()

    def discard(self) -> None:
        """Drop what is in."""
        self._frames.clear()
        self.size = 0

    async def take(self, limit: int | None = None) -> list[Frame]:
        """What is in, up to ``limit`` frames, once there is anything.

        ``ended`` then tells whether nothing will follow.
        """
        while not self._frames and not self._ending:
            self._changed.clear()
            await self._changed.wait()
        frames = [
            self._frames.popleft()
            for _ in range(min(len(self._frames), limit or len(self._frames)))
        ]
        self.size -= sum(frame.size for frame in frames)
        self.ended = self._ending and not self._frames
        return frames
