"""All policies, by the names of their functions."""

from collections.abc import Callable, Iterator, Sequence
from inspect import getmembers, isfunction, signature
from types import ModuleType
from typing import Final

from tests.chart.helm import Object
from tests.chart.policies import naming, running, secrecy, security, wiring

Policy = Callable[[Sequence[Object]], Iterator[str]]
"""Says what is wrong with the objects of one release, nothing where nothing is."""


def _of(module: ModuleType) -> Iterator[tuple[str, Policy]]:
    for name, found in getmembers(module, isfunction):
        own = found.__module__ == module.__name__ and not name.startswith("_")
        if own and list(signature(found).parameters) == ["objects"]:
            yield name, found


POLICIES: Final[dict[str, Policy]] = {
    name: policy
    for module in (naming, running, secrecy, security, wiring)
    for name, policy in _of(module)
}
