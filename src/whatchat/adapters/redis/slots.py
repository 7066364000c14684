"""Which of a cluster's servers has which keys."""

from binascii import crc_hqx
from collections.abc import Mapping, Sequence
from typing import Any, Final

from whatchat.adapters.redis.url import Address

SLOTS: Final = 16_384


def slot_of(key: bytes) -> int:
    """The slot of a key: of what stands in its first braces, if anything does."""
    start = key.find(b"{")
    end = key.find(b"}", start + 1)
    if start >= 0 and end > start + 1:
        key = key[start + 1 : end]
    return crc_hqx(key, 0) % SLOTS


def owners(answer: Sequence[Any], asked: Address) -> Mapping[int, Address]:
    """Each slot's master, as ``CLUSTER SLOTS`` of the server ``asked`` tells."""
    found: dict[int, Address] = {}
    for first, last, (host, port, *_), *_replicas in answer:
        address = (host.decode() if host else asked[0], int(port))
        found.update(dict.fromkeys(range(first, last + 1), address))
    return found
