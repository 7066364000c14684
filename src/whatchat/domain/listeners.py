"""Who wants to hear of something."""

import logging
from collections.abc import Callable
from typing import Generic, TypeVarTuple

log = logging.getLogger(__name__)

Told = TypeVarTuple("Told")


class Listeners(Generic[*Told]):
    """Calls all, in the order in which they were added, each time there is something to tell.

    One that fails is logged and keeps no other from hearing; ``what`` it heard of is named there.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._all: list[Callable[[*Told], None]] = []

    def add(self, notify: Callable[[*Told], None]) -> None:
        """Have one more called."""
        self._all.append(notify)

    def tell(self, *told: *Told) -> None:
        """Call them, and return once they have returned."""
        for notify in self._all:
            try:
                notify(*told)
            except Exception:
                log.exception("a listener failed on %s", self._what)
