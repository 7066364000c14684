"""How much anybody may ask for, by what it costs."""

from collections.abc import Mapping
from typing import Final

from whatchat.domain.actor import Actor, Visitor
from whatchat.domain.contract import Cost
from whatchat.domain.networks import network_of
from whatchat.domain.ports.limiter import Charge, Quota

QUOTAS: Mapping[Cost, Quota] = {
    "register": Quota(rate=10, burst=1000),
    "sign_in": Quota(rate=10, burst=1000),
    "refresh": Quota(rate=50, burst=1000),
    "message": Quota(rate=100, burst=3000),
    "command": Quota(rate=50, burst=1000),
    # Two for each message, to a busy member of many rooms on several devices.
    "receipt": Quota(rate=300, burst=6000),
    "query": Quota(rate=100, burst=1000),
    "typing": Quota(rate=10, burst=200),
}
"""Of one device, and of a network's visitors, who are not signed in."""

USER_SHARE: Final = 2
"""So many devices a user can keep busy at once."""

NETWORK_SHARE: Final = 50
"""And so many a network: offices and mobile carriers put hundreds of people behind one address."""

CONNECTS: Final = Quota(rate=10, burst=500)
"""Of one user, on each pod: what a user's rooms are read for."""

IMPATIENCE: Final = Quota(rate=10, burst=250)
"""Refused commands of one device that came sooner than it was told; beyond that it is closed."""

CHARGED_HERE: frozenset[Cost] = frozenset({"receipt", "typing"})
"""What each pod charges by itself, by user alone: cheaper than to ask anybody whether it may be
done. Both are worth little, and a user's sockets are on few pods. Whoever is slowed down
(``Limiter.slow_down``) is so in all but these: they are told to few, and last no longer."""

BYTES_PER_UNIT: Final = 1024
ITEMS_PER_UNIT: Final = 50


def _times(share: int) -> Mapping[Cost, Quota]:
    return {
        cost: Quota(rate=quota.rate * share, burst=quota.burst * share)
        for cost, quota in QUOTAS.items()
    }


USER_QUOTAS: Mapping[Cost, Quota] = _times(USER_SHARE)
NETWORK_QUOTAS: Mapping[Cost, Quota] = _times(NETWORK_SHARE)


def charges_of(cost: Cost, caller: Actor | Visitor, units: int) -> tuple[Charge, ...]:
    """What a command charges: the device, the user and the network that it comes from.

    Somebody not signed in is the network alone, with a quota apart from those who are.
    """
    owner = network_owner(caller.address)
    if isinstance(caller, Visitor):
        return (Charge(key=f"{cost}:visitor", quota=QUOTAS[cost], cost=units, owner=owner),)
    user = user_owner(caller.user_id)
    device = f"{cost}:{caller.device_id}"
    return (
        Charge(key=device, quota=QUOTAS[cost], cost=units, owner=user),
        Charge(key=cost, quota=USER_QUOTAS[cost], cost=units, owner=user),
        Charge(key=cost, quota=NETWORK_QUOTAS[cost], cost=units, owner=owner),
    )


DIMENSIONS: Final = ("device", "user", "network")
"""What :func:`charges_of` charges for somebody signed in, in that order."""


def user_owner(user_id: str) -> str:
    """Whose quotas a user's are."""
    return f"user:{user_id}"


def network_owner(address: str) -> str:
    """Whose quotas those of an address are."""
    return f"network:{network_of(address)}"


def weight(fields: object) -> int:
    """The units that a command costs: 1, and 1 for each KiB of text and each 50 things listed.

    Told from what was sent, before it is decoded.
    """
    size = items = 0
    for value in fields.values() if isinstance(fields, dict) else (fields,):
        if isinstance(value, str):
            size += len(value if value.isascii() else value.encode(errors="surrogatepass"))
        elif isinstance(value, list | dict):
            items += len(value)
    return 1 + size // BYTES_PER_UNIT + items // ITEMS_PER_UNIT
