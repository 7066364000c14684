"""Errors of the players themselves, of which no server is guilty: told, counted, and survived."""

import logging
from collections.abc import Callable
from typing import Final

from loadtests.swarm.tally import Tally

MOST_TOLD: Final = 10

log: Final = logging.getLogger("loadtests")


def count_crash(tally: Tally, error: Exception) -> None:
    """One more; the first ones are told with their traceback."""
    tally.crashed += 1
    if tally.crashed <= MOST_TOLD:
        log.error("who plays the people has crashed", exc_info=error)


def guarded(tally: Tally, action: Callable[[], None]) -> Callable[[], None]:
    """``action``, for a greenlet that nobody looks after: what it raises is counted."""

    def run() -> None:
        try:
            action()
        except Exception as error:  # noqa: BLE001  # the run goes on, and its verdict says so
            count_crash(tally, error)

    return run
