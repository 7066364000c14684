"""What the realtime layer asks of whoever runs commands."""

import asyncio
from collections.abc import Sequence
from typing import NoReturn, Protocol

from whatchat.domain.actor import Actor
from whatchat.domain.errors import ChatError


class Commands(Protocol):
    """Runs what clients ask for over their sockets."""

    def begin(
        self, actor: Actor, event: str, arguments: Sequence[object]
    ) -> "asyncio.Future[None] | None":
        """Begin what answers nothing and fails by ``ChatError``; ``None`` if it has to be run."""
        ...

    async def run(self, actor: Actor, event: str, arguments: Sequence[object]) -> bytes:
        """The answer as JSON; raises :class:`ChatError` and nothing else."""
        ...

    async def refuse(self, actor: Actor, refusal: ChatError) -> NoReturn:
        """Charge and record what was not even asked for properly; raises :class:`ChatError`."""
        ...
