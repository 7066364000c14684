"""Who is likely behind an address."""

from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Final

_CUSTOMER_BITS: Final = 64


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """An IPv4 address itself; of an IPv6 address the /64 that one customer commonly holds.

    What is no address is ``unknown``.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is None:
            return str(IPv6Network((int(parsed), _CUSTOMER_BITS), strict=False))
        parsed = parsed.ipv4_mapped
    return str(parsed)
