"""The alerting rules, their tests and their runbooks, as they lie in the repository."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

import msgspec

ROOT: Final = Path(__file__).parents[3]
RULES: Final = sorted((ROOT / "dashboards" / "rules").glob("*.yaml"))
TESTS: Final = sorted((ROOT / "dashboards" / "rules" / "tests").glob("*.yaml"))
RUNBOOKS: Final = ROOT / "docs" / "runbooks"

T = TypeVar("T", bound=msgspec.Struct)


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule: it records if it has ``record``, it alerts if it has ``alert``."""

    expr: str
    record: str = ""
    alert: str = ""
    for_: str = msgspec.field(default="", name="for")
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Group(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules that are evaluated one after the other."""

    name: str
    rules: list[Rule]


class RuleFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a PrometheusRule has as its ``spec``: no more than this may be in it."""

    groups: list[Group]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What promtool is asked at one time of a case."""

    alertname: str
    eval_time: str
    exp_alerts: list[dict[str, dict[str, str]]] = []


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One case of promtool's."""

    name: str
    alert_rule_test: list[Question]


class CaseFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of them."""

    tests: list[Case]


def groups() -> list[Group]:
    """All groups of all files."""
    return [group for path in RULES for group in _read(path, RuleFile).groups]


def rules() -> list[Rule]:
    """All rules."""
    return [rule for group in groups() for rule in group.rules]


def alerts() -> list[Rule]:
    """Those that alert."""
    return [rule for rule in rules() if rule.alert]


def names() -> list[str]:
    """The names of all alerts."""
    return sorted({rule.alert for rule in alerts()})


def questions() -> Iterator[Question]:
    """All that promtool is asked about alerts."""
    for path in TESTS:
        for case in _read(path, CaseFile).tests:
            yield from case.alert_rule_test


def runbooks() -> Sequence[Path]:
    """The pages of single alerts."""
    return sorted(path for path in RUNBOOKS.glob("*.md") if path.name != "README.md")


def sections(page: str) -> list[str]:
    """The headings of the second level."""
    return re.findall(r"^## (.+)$", page, re.MULTILINE)


def _read(path: Path, kind: type[T]) -> T:
    return msgspec.yaml.decode(path.read_bytes(), type=kind)
