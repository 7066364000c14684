"""Endpoints over Socket.IO."""

import asyncio
from collections.abc import Sequence
from typing import NoReturn

import msgspec

from whatchat.domain.actor import Actor
from whatchat.domain.contract import Catalogue, Command, Endpoint, Outcome
from whatchat.domain.errors import ChatError, Invalid
from whatchat.entrypoints.dispatch import Dispatch


class SocketCommands:
    """Runs what clients ask for by event, each by the catalogue's row for that event."""

    def __init__(self, catalogue: Catalogue, dispatch: Dispatch) -> None:
        self._endpoints = catalogue.by_socket
        self._dispatch = dispatch

    def begin(
        self, actor: Actor, event: str, arguments: Sequence[object]
    ) -> "asyncio.Future[None] | None":
        """Begin what answers nothing; ``None`` if it has to be run. Raises ``ChatError``."""
        endpoint = self._endpoints.get(event)
        if endpoint is None or endpoint.row.begin is None:
            return None
        return self._dispatch.begin(endpoint, actor, _fields(endpoint.row.command, arguments))

    async def run(self, actor: Actor, event: str, arguments: Sequence[object]) -> bytes:
        """The ack's ``data`` as JSON; raises ``ChatError`` and nothing else."""
        endpoint = self._endpoints.get(event)
        if endpoint is None:
            await self.refuse(actor, Invalid("there is no such event", field="event"))
        fields = _fields(endpoint.row.command, arguments)
        answer = await self._dispatch.submit(endpoint, actor, fields, via="socket")
        return _data(endpoint.row, answer)

    async def refuse(self, actor: Actor, refusal: ChatError) -> NoReturn:
        """Charge and record what was not even asked for properly; raises ``ChatError``."""
        await self._dispatch.refuse(actor, refusal, via="socket")


def _fields(command: type[Command], arguments: Sequence[object]) -> object:
    if not arguments and not command.__struct_fields__:
        return {}
    return arguments[0] if len(arguments) == 1 else arguments


def _data(row: Endpoint, answer: object) -> bytes:
    value = answer.value if isinstance(answer, Outcome) else answer
    if value is None:
        value = {}
    return msgspec.json.encode(value if row.ack is None else {row.ack: value})
