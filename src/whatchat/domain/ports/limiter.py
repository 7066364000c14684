"""How much anybody may ask for."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class Quota(Struct, frozen=True, kw_only=True):
    """``rate`` units a second on average, up to ``burst`` at once."""

    rate: float
    burst: int


class Charge(Struct, frozen=True, kw_only=True):
    """``cost`` units of the quota that ``key`` names among its owner's.

    ``owner`` is whoever can be slowed down, such as ``user:ID``. Neither name holds braces.
    """

    key: str
    quota: Quota
    cost: float = 1
    owner: str = ""


class Limiter(Protocol):
    """Charges keys against quotas by the generic cell rate algorithm (ITU-T I.371).

    What is charged is forgotten as soon as the quota is whole again, and may be lost earlier:
    the quota is whole then.
    """

    async def charge(self, charges: Sequence[Charge]) -> int:
        """Milliseconds to wait before all of ``charges`` fit; 0, and all charged, if they do now.

        While they do not, none is. A cost beyond the burst, either way, counts as the burst. A
        cost of 0 charges nothing, and fits while one unit would; a negative cost gives back, as
        far as the quota is not whole, and always fits. The keys of one call differ.
        """
        ...

    async def slow_down(self, owner: str, *, factor: int, seconds: int) -> None:
        """Have every charge of an owner cost ``factor`` times until then; replaces what was.

        Never raises: at least this pod remembers it.
        """
        ...

    async def forgive(self, owner: str) -> None:
        """End :meth:`slow_down`. Raises ``Unavailable`` if only this pod could be told."""
        ...

    async def factor_of(self, owner: str) -> int:
        """What an owner's charges are multiplied by now; 1 if by nothing."""
        ...
