"""The audit log, where it is kept."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class Pending(Struct, frozen=True, kw_only=True):
    """A record that is durable and not in the chain yet; ``body`` is its canonical bytes."""

    record_id: str
    body: bytes


class Sealed(Struct, frozen=True, kw_only=True):
    """A record in the chain: ``digest`` is of ``previous``, ``seq`` and ``body``."""

    seq: int
    record_id: str
    previous: bytes
    body: bytes
    digest: bytes


class AuditStore(Protocol):
    """Append-only: nothing here changes or removes what is in the chain.

    Every method is atomic per record, durable on return, and raises ``Unavailable`` when the
    store is down or late.
    """

    async def add(self, records: Sequence[Pending]) -> None:
        """Keep records until they are in the chain; those known already are passed over."""
        ...

    async def pending(self, *, limit: int) -> list[Pending]:
        """Records that are not in the chain yet, about in the order of adding."""
        ...

    async def last(self) -> Sealed | None:
        """The end of the chain."""
        ...

    async def seal(self, records: Sequence[Sealed]) -> bool:
        """Append to the chain what is pending, and take it off there.

        ``records`` go on from the end of the chain without a gap. False if another sealer was
        faster: some may then be in, and none behind a gap. A record is never in the chain twice.
        """
        ...

    async def read(self, *, after: int, limit: int) -> list[Sealed]:
        """Records with a higher ``seq``, in order, as they are found: nothing is verified."""
        ...

    async def sign(self, head: bytes) -> None:
        """Keep a signed head, for whoever has none from outside."""
        ...

    async def heads(self, *, after: int, limit: int) -> list[bytes]:
        """Signed heads in the order of signing, but for the first ``after``."""
        ...
