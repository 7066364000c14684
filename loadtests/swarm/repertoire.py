"""The scenarios by their names, for programs that are not Locust themselves."""

import importlib
import pkgutil
from pathlib import Path

from loadtests import scenarios
from loadtests.swarm.scenario import Scenario


def names() -> list[str]:
    """Of all scenarios."""
    return sorted(module.name for module in pkgutil.iter_modules(scenarios.__path__))


def scenario(name: str) -> Scenario:
    """One by its name; ``ValueError``, with a line that lists them, if there is none."""
    if name not in names():
        raise ValueError(f"no scenario is called {name!r}; there are {', '.join(names())}")
    found: Scenario = importlib.import_module(f"{scenarios.__name__}.{name}").SCENARIO
    return found


def about(name: str) -> str:
    """What happens in one, in a line."""
    said = importlib.import_module(f"{scenarios.__name__}.{name}").__doc__ or ""
    return said.partition("\n")[0]


def locustfile(name: str) -> Path:
    """What Locust is to run."""
    return Path(scenarios.__path__[0]) / f"{name}.py"
