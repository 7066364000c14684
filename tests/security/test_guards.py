"""Whether attacks can succeed: with its guard taken out, each must."""

import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import FunctionType

import pytest

from tests.security import wire
from tests.security.cluster import Cluster
from tests.security.guards import GUARDS, Attack, Out
from tests.security.stage import Stage

MOST_PATIENCE_SECONDS = 1.5


def attacks() -> Iterator[FunctionType]:
    """Every attack in this folder: what takes a stage."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        module = import_module(f"tests.security.{path.stem}")
        for name, one in inspect.getmembers(module, inspect.isfunction):
            is_attack = name.startswith("test_") and one.__module__ == module.__name__
            if is_attack and set(inspect.signature(one).parameters) & {"stage", "cluster"}:
                yield one


@pytest.mark.parametrize(
    ("attack", "out"), GUARDS.items(), ids=[attack.__name__ for attack in GUARDS]
)
async def test_an_attack_succeeds_without_its_guard(
    attack: Attack, out: Out, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(wire, "PATIENCE_SECONDS", MOST_PATIENCE_SECONDS)
    out(monkeypatch)
    async with _stage_for(attack, request) as stage:
        with pytest.raises(AssertionError):
            await attack(stage)
        is_broken = '"level":"error"' in stage.log_text()
        assert not is_broken, "that is no success but a program without one of its parts"


def _stage_for(attack: Attack, request: pytest.FixtureRequest) -> Stage:
    if "cluster" not in inspect.signature(attack).parameters:
        return Stage()
    return Cluster(request.getfixturevalue("mongo_url"), request.getfixturevalue("redis_server"))


def test_there_are_enough_attacks_and_each_says_what_it_defends() -> None:
    found = list(attacks())
    assert len({attack.__name__ for attack in found}) >= 180
    assert [attack.__name__ for attack in found if not attack.__doc__] == []
    assert all("\n" not in str(attack.__doc__) for attack in found)


def test_enough_guards_are_taken_out() -> None:
    assert len(GUARDS) >= 50
    assert set(GUARDS) <= set(attacks())
