"""How much anybody may ask for, by what it costs."""

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address

from whatchat.domain.actor import Actor, Visitor
from whatchat.domain.contract import Cost
from whatchat.domain.ports.limiter import Quota

QUOTAS: Mapping[Cost, Quota] = {
    "sign_in": Quota(rate=10, burst=1000),
    "refresh": Quota(rate=50, burst=1000),
    "message": Quota(rate=100, burst=3000),
    "command": Quota(rate=50, burst=1000),
    # Two for each message, to a busy member of many rooms on several devices.
    "receipt": Quota(rate=300, burst=6000),
    "query": Quota(rate=100, burst=1000),
    "typing": Quota(rate=10, burst=200),
}

CHARGED_HERE: frozenset[Cost] = frozenset({"receipt"})
"""What each pod charges by itself: cheaper than to ask anybody whether it may be done."""

_IPV6_NETWORK_BITS = 64


def quota_key(cost: Cost, caller: Actor | Visitor) -> str:
    """Who is charged: the user, or the network that somebody not signed in comes from."""
    if isinstance(caller, Actor):
        return f"{cost}:user:{caller.user_id}"
    return f"{cost}:address:{_network(caller.address)}"


def _network(address: str) -> str:
    """An IPv4 address itself; of an IPv6 address the /64 that one customer commonly holds."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return f"{int(parsed) >> (128 - _IPV6_NETWORK_BITS):x}::/64"
    return address
