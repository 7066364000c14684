"""Where a request comes from."""

import re
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any

_ENDPOINT = re.compile(r"\[([^\[\]%]*)[^\[\]]*\](?::\d{1,5})?|([\d.]+):\d{1,5}")

TrustedProxies = Sequence[IPv4Network | IPv6Network]


def client_address(scope: Mapping[str, Any], trusted: TrustedProxies) -> str:
    """The client's address for an ASGI ``scope``, HTTP or WebSocket.

    ``X-Forwarded-For`` is believed from trusted proxies alone: the answer is the right-most
    hop that is not one of them.
    """
    peer = str((scope.get("client") or ("unknown",))[0])
    if not trusted and ":" not in peer:
        return peer  # parsing it is a good part of a connect's work, and changes IPv6 alone
    address = _parse(peer)
    if address is None or not trusted:
        return str(address or peer)
    for hop in _forwarded(scope["headers"]):
        if not any(address in network for network in trusted):
            break
        earlier = _parse(hop)
        if earlier is None:
            break
        address = earlier
    return str(address)


def _forwarded(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    """The hops that proxies noted, nearest first."""
    values = [value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for"]
    return [hop.strip() for value in values for hop in value.split(",")][::-1]


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    """An address, with or without brackets, port and zone."""
    host = _ENDPOINT.fullmatch(text)
    try:
        address = ip_address((host[1] or host[2]) if host else text.partition("%")[0])
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
