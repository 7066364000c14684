"""How often something happened lately, on all pods."""

from typing import Protocol


class Tally(Protocol):
    """Counts within sliding windows; exact up to a bound, for as long as nothing is lost.

    Counts may be lost as a whole: they raise suspicion, they prove nothing.
    """

    async def add(
        self, key: str, *, seconds: int, most: int, member: str | None = None, times: int = 1
    ) -> int:
        """Count once more, and say how many there were in the last ``seconds``, at most ``most``.

        The same ``member`` counts once, at its latest time; without one everything counts,
        so many ``times``.
        """
        ...

    async def count(self, key: str, *, seconds: int, member: str | None = None) -> int:
        """How many there were in the last ``seconds``, as far as :meth:`add` kept them.

        Of one ``member``: 1, or 0.
        """
        ...
