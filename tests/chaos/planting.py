"""Where all that is planted in trials in which all is well is kept."""

from collections.abc import Callable

from tests.chaos.made_up_trial import MadeUpTrial
from tests.chaos.problems import Problem

Plant = Callable[[MadeUpTrial], type[Problem]]
PLANTED: list[Plant] = []


def plants(plant: Plant) -> Plant:
    """Have it planted in a trial of its own; it says what the checker has to name."""
    PLANTED.append(plant)
    return plant
