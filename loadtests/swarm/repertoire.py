"""The scenarios by their names, for programs that are not Locust themselves."""

import importlib
import os
import pkgutil
from pathlib import Path
from typing import Final

from loadtests import scenarios
from loadtests.swarm.scenario import Scenario

UNCHANGED: Final = "LOCUST_SKIP_MONKEY_PATCH"
"""Locust replaces the sockets of whoever loads it, unless this is set."""


def names() -> list[str]:
    """Of all scenarios."""
    return sorted(module.name for module in pkgutil.iter_modules(scenarios.__path__))


def scenario(name: str) -> Scenario:
    """One by its name; ``ValueError``, with a line that lists them, if there is none."""
    if name not in names():
        raise ValueError(f"no scenario is called {name!r}; there are {', '.join(names())}")
    kept = os.environ.get(UNCHANGED)
    os.environ[UNCHANGED] = "yes"
    try:
        found: Scenario = importlib.import_module(f"{scenarios.__name__}.{name}").SCENARIO
    finally:
        os.environ.pop(UNCHANGED)
        os.environ.update({UNCHANGED: kept} if kept else {})
    return found


def locustfile(name: str) -> Path:
    """What Locust is to run."""
    return Path(scenarios.__path__[0]) / f"{name}.py"
