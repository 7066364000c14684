"""Whether everybody has what is said in a room. Pure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from whatchat.domain.ids import DeviceId, Rev, Seq, UserId
from whatchat.domain.ports.retention_store import Reach


class Place(NamedTuple):
    """A member since ``joined_seq``: how far each device has got, and which devices count."""

    joined_seq: Seq
    delivered: Mapping[DeviceId, Seq]
    seen: list[DeviceId]


def reached(places: Mapping[UserId, Place]) -> list[Reach]:
    """How far members have got for whom any device counts."""
    return [
        Reach(
            user_id=user_id,
            seq=max(
                min(place.delivered.get(device, Seq(0)) for device in place.seen),
                place.joined_seq,
            ),
            devices=len(place.seen),
        )
        for user_id, place in places.items()
    ]


class Delivered:
    """What all devices have, as far as ``reaches`` tells.

    A sender with one device has what it said there: it need not acknowledge that to itself.
    """

    def __init__(self, reaches: Sequence[Reach]) -> None:
        self._furthest_behind = sorted(reaches, key=lambda reach: reach.seq)[:2]

    def has(self, content_rev: Rev, sender_id: UserId) -> bool:
        """Whether all have what came with that change."""
        return all(
            reach.seq >= content_rev or (reach.user_id == sender_id and reach.devices == 1)
            for reach in self._furthest_behind
        )
