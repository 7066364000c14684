"""Prometheus' own tool agrees with the rules, and sees alerts fire when they should."""

import subprocess
from pathlib import Path

import pytest

from tests.unit.alerts.rule_files import RULES, TESTS


def test_nothing_is_wrong_with_the_rules() -> None:
    assert not _promtool("check", "rules", "--lint-fatal", *RULES)


@pytest.mark.parametrize("cases", TESTS, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_only_then(cases: Path) -> None:
    assert not _promtool("test", "rules", cases)


def _promtool(*arguments: str | Path) -> str:
    """What it complains of; empty if of nothing."""
    ran = subprocess.run(
        ["promtool", *map(str, arguments)], check=False, capture_output=True, text=True
    )
    return "" if ran.returncode == 0 else ran.stdout + ran.stderr
