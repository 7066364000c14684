"""Commands as proposals to the room log."""

import msgspec
from msgspec import UnsetType

from whatchat.domain.actor import Actor
from whatchat.domain.contract import Command
from whatchat.domain.ids import ClientId, Seq, random_id
from whatchat.domain.ports.room_log import Proposal, Rule


def propose(
    actor: Actor,
    command: Command,
    rule: Rule,
    *,
    client_id: ClientId | UnsetType = msgspec.UNSET,
    target: Seq | None = None,
) -> Proposal:
    """A proposal whose body is the whole command; without a ``client_id`` it gets its own."""
    return Proposal(
        actor=actor,
        client_id=ClientId(random_id()) if client_id is msgspec.UNSET else client_id,
        body=type(command).__name__.encode() + msgspec.json.encode(command),
        rule=rule,
        target=target,
    )
