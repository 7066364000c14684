"""The end of a pod's sockets: all clients move to other pods, in a stream."""

import random
from typing import Final

from whatchat.realtime.hub import Hub
from whatchat.realtime.moving import Moving

CUT_OFF_SECONDS: Final = 10.0
"""So long whatever is left after a drain may take: to close, and to be forgotten elsewhere."""

GRACE_SECONDS: Final = 2.0

_random: Final = random.SystemRandom()


class Drain:
    """Moves everybody, in random order.

    The departures are spread evenly over ``seconds``, so that no pod meets a storm of
    newcomers; a part of them is the grace of who does not go by itself.
    """

    def __init__(self, hub: Hub, moving: Moving, *, seconds: float) -> None:
        self._hub = hub
        self._moving = moving
        self._grace = min(GRACE_SECONDS, seconds / 4)
        self._seconds = seconds - self._grace

    async def run(self) -> None:
        """Return once nobody is left, ``FINISH_SECONDS`` after the last departure at most.

        Nobody new may come in meanwhile.
        """
        leaving = list(self._hub)
        _random.shuffle(leaving)
        await self._moving.move(leaving, seconds=self._seconds, grace=self._grace)
