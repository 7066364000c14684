"""The audit log, where it is kept."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class Pending(Struct, frozen=True, kw_only=True):
    """A record that is durable and not in the chain yet; ``body`` is its canonical bytes."""

    record_id: str
    body: bytes


class Sealed(Struct, frozen=True, kw_only=True):
    """A record in the chain: ``digest`` is of ``seq``, ``previous`` and ``body``."""

    seq: int
    record_id: str
    previous: bytes
    body: bytes
    digest: bytes


class KeptHead(Struct, frozen=True, kw_only=True):
    """A signed head as it is filed under its ``seq``."""

    seq: int
    head: bytes


class AuditStore(Protocol):
    """Append-only: nothing here changes or removes what is in the chain.

    What a method writes is durable on return. All raise ``Unavailable`` when the store is down
    or late; what was to be written may then be in, in part even, and may be written again.
    """

    async def add(self, records: Sequence[Pending]) -> None:
        """Keep records until they are in the chain.

        Those known already are passed over, here or by :meth:`seal`, so that each comes into
        the chain once however often it is added.
        """
        ...

    async def pending(self, *, limit: int) -> list[Pending]:
        """Records that wait for the chain: a pod's own in the order of adding, others' about so.

        One that is in the chain may still be among them after a sealer died; see :meth:`seal`.
        """
        ...

    async def last(self) -> Sealed | None:
        """The end of the chain."""
        ...

    async def seal(self, records: Sequence[Sealed]) -> bool:
        """Append to the chain what is pending, and take it off there.

        ``records`` go on from the end of the chain without a gap. False if the chain ends
        elsewhere by now, or has one of them already: some may then be in, none of them behind
        a gap, and what is in the chain no longer waits for it: go on from :meth:`last` and
        :meth:`pending` anew.
        """
        ...

    async def read(self, *, after: int, limit: int) -> list[Sealed]:
        """Records with a higher ``seq``, in its order, as they are found: nothing is verified.

        There may be holes; a field that is not there, or not of its type, is empty.
        """
        ...

    async def sign(self, head: KeptHead) -> None:
        """Keep a signed head, for whoever has none from outside; the first of a ``seq`` stays."""
        ...

    async def heads(self, *, after: int, limit: int) -> list[KeptHead]:
        """Signed heads of a higher ``seq``, in its order, as they are found."""
        ...
