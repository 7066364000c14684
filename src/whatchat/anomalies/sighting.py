"""What the rules look at: who did what to whom, from where."""

from typing import Literal, TypeAlias

from msgspec import Struct

from whatchat.domain.audit import Kind, Record
from whatchat.domain.ids import DeviceId, UserId
from whatchat.domain.networks import network_of

Event: TypeAlias = Kind | Literal["messages.sent", "connected"]
"""A kind of act, or something that happens too often for a record of each."""

By: TypeAlias = Literal["actor", "account", "device", "network"]
"""Whose doings are counted: whoever acts, whom it is done to, a device, or where from."""


class Subject(Struct, frozen=True, kw_only=True):
    """Somebody or something that is counted; one of these, or a device with its user."""

    user_id: UserId | None = None
    device_id: DeviceId | None = None
    network: str | None = None

    @property
    def name(self) -> str:
        """What tells it from all others."""
        return self.device_id or self.user_id or f"network {self.network}"


class Sighting(Struct, frozen=True, kw_only=True):
    """``count`` times the same; ``account_id`` is whom it was done to."""

    event: Event
    outcome: str = "ok"
    detail: str | None = None
    actor_id: UserId | None = None
    account_id: UserId | None = None
    device_id: DeviceId | None = None
    address: str | None = None
    count: int = 1

    def subject(self, by: By) -> Subject | None:
        """Whose it is, if that is known."""
        match by:
            case "actor" if self.actor_id:
                return Subject(user_id=self.actor_id)
            case "account" if self.account_id:
                return Subject(user_id=self.account_id)
            case "device" if self.device_id:
                return Subject(user_id=self.actor_id, device_id=self.device_id)
            case "network" if self.address:
                return Subject(network=network_of(self.address))
        return None


def sighting_of(record: Record) -> Sighting:
    """A record, as the rules see it."""
    actor, act = record.actor, record.act
    return Sighting(
        event=act.kind,
        outcome=act.outcome,
        detail=act.detail,
        actor_id=actor.user_id,
        account_id=act.user_id,
        device_id=actor.device_id or act.device_id,
        address=actor.address,
        count=act.count,
    )
