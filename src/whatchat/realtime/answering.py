"""Clients' commands, and what they are told of them."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec

from whatchat.domain.errors import ChatError, RateLimited, Unavailable
from whatchat.domain.signals import ErrorRaised
from whatchat.realtime.caps import Patience
from whatchat.realtime.codec import event_frame, failure_frame, success_frame
from whatchat.realtime.commands import Commands
from whatchat.realtime.connection import Connection
from whatchat.realtime.link import FLOODING

_NOTHING: Final = b"{}"


class Answering:
    """Tells each command's outcome, by ack or, if it failed without one, by event.

    Who is told to wait too often, and goes on, is closed.
    """

    def __init__(self, commands: Commands, patience: Patience) -> None:
        self._commands = commands
        self._patience = patience

    def begin(
        self, connection: Connection, event: str, arguments: Sequence[object], ack_id: int | None
    ) -> bool:
        """Begin a command if it can be begun, and is not one too many; its outcome is told."""
        if connection.interpreter is not None or not connection.may_begin:
            return False
        try:
            begun = self._commands.begin(connection.actor, event, arguments)
        except ChatError as error:
            self._refuse(connection, event, error, ack_id)
            return True
        if begun is None:
            return False
        begun.add_done_callback(partial(self._ended, connection, event, ack_id))
        connection.begin(begun)
        return True

    def _ended(
        self,
        connection: Connection,
        event: str,
        ack_id: int | None,
        begun: "asyncio.Future[None]",
    ) -> None:
        error = Unavailable() if begun.cancelled() else begun.exception()
        if error is not None:
            known = error if isinstance(error, ChatError) else Unavailable()
            self._refuse(connection, event, known, ack_id)
        elif ack_id is not None:
            connection.send(success_frame(ack_id, _NOTHING))

    async def run(
        self, connection: Connection, event: str, arguments: Sequence[object], ack_id: int | None
    ) -> None:
        """Run a command, after those that were begun before it."""
        await connection.settled()
        interpreter, actor = connection.interpreter, connection.actor
        try:
            if interpreter is None:
                answer = await self._commands.run(actor, event, arguments)
            else:
                answer = await interpreter.run(self._commands, actor, event, arguments)
        except ChatError as error:
            self._refuse(connection, event, error, ack_id)
        else:
            if ack_id is not None:
                connection.send(success_frame(ack_id, answer))

    def _refuse(
        self, connection: Connection, event: str, error: ChatError, ack_id: int | None
    ) -> None:
        if ack_id is not None:
            connection.send(failure_frame(ack_id, msgspec.json.encode(error.body())))
        else:
            payload = msgspec.json.encode(error.body(event))
            connection.send(event_frame(ErrorRaised.name, payload))
        if isinstance(error, RateLimited) and self._patience.is_over(
            connection, error.retry_after_ms or 0
        ):
            connection.close(FLOODING)
