"""Runbooks can be followed: panels, commands and log lines that they name are there."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import typer

from tests.unit.alerts import rule_files
from whatchat.__main__ import app
from whatchat.administration import documented_operations
from whatchat.entrypoints.probes import PROBE_PATHS
from whatchat.features.debug.endpoints import ENDPOINTS as DEBUG

SECTIONS: Final = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
PROGRAMS: Final = frozenset({"curl", "grep", "head", "kubectl"})
VERBS: Final = frozenset(
    {"delete", "describe", "exec", "get", "logs", "patch", "port-forward", "rollout", "scale"}
    | {"set", "top"}
)
OF_THE_PRODUCT: Final = rule_files.ROOT / "src" / "whatchat"
BOARDS: Final = sorted((rule_files.ROOT / "dashboards").glob("*.json"))

_PANELS: Final = re.compile(r"`(whatchat-[a-z-]+)`\s+\u203a((?:\s*(?:,|and)?\s*\*[^*`]+\*)+)")
_TITLE: Final = re.compile(r"\*([^*`]+)\*")
_BLOCK: Final = re.compile(r"```sh\n(.*?)```", re.DOTALL)
_LOG_LINES: Final = re.compile(r"logs [^|]*\| grep (?:-E )?\"([^\"]+)\"")
_ANNOTATED: Final = re.compile(r"<!-- alerts -->\n(.*)", re.DOTALL)

PAGES: Final = [*rule_files.runbooks(), rule_files.RUNBOOKS / "README.md"]


def _commands(page: str) -> Iterator[list[str]]:
    """The words of each command of a page, those of a pipe one by one."""
    for block in _BLOCK.findall(page):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if words and not re.match(r"[A-Z]+=", words[0]):
                yield from _piped(words)


def _piped(words: list[str]) -> Iterator[list[str]]:
    while "|" in words:
        at = words.index("|")
        yield words[:at]
        words = words[at + 1 :]
    yield words


def _panels() -> dict[str, set[str]]:
    boards = [json.loads(path.read_text()) for path in BOARDS]
    return {board["uid"]: set(_titles(board["panels"])) for board in boards}


def _titles(panels: list[dict[str, Any]]) -> Iterator[str]:
    for panel in panels:
        yield panel.get("title", "")
        yield from _titles(panel.get("panels", []))


def _paths() -> set[str]:
    rows = [row.http for row in DEBUG] + [bound.row.http for bound in documented_operations()]
    return {*PROBE_PATHS, *(http.split()[1] for http in rows if http)}


def _is_served(url: str) -> bool:
    path = re.sub(r"\$[A-Z]+", "x", url.removeprefix("$API").partition("?")[0])
    patterns = (re.sub(r"\{\w+\}", "[^/]+", served) for served in _paths())
    return any(re.fullmatch(pattern, path) for pattern in patterns)


def _require_command(words: list[str]) -> None:
    """Fails unless ``whatchat`` has this command with these options and so many arguments."""
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    command.make_context("whatchat", [word for word in words if word not in {">", "&"}])


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert [page.stem for page in rule_files.runbooks()] == rule_files.names()


@pytest.mark.parametrize("page", rule_files.runbooks(), ids=lambda page: page.stem)
def test_a_runbook_says_what_it_has_to(page: Path) -> None:
    text = page.read_text()
    assert text.startswith(f"# {page.stem}\n")
    assert rule_files.sections(text) == SECTIONS
    assert "\nOver " in text  # how to know that it is
    assert _PANELS.search(text)
    assert next(_commands(text), None)


def test_the_index_lists_all_alerts_as_they_are() -> None:
    listed = _ANNOTATED.search((rule_files.RUNBOOKS / "README.md").read_text())
    assert listed is not None
    assert listed[1].strip() == index().strip()


def index() -> str:
    """The table of all alerts."""
    rows = ["| Alert | Severity | After | Dashboard |", "| --- | --- | --- | --- |"]
    for name in rule_files.names():
        alerts = [rule for rule in rule_files.alerts() if rule.alert == name]
        severity = ", ".join(rule.labels["severity"] for rule in alerts)
        after = alerts[0].for_ or "at once"
        rows.append(
            f"| [{name}]({name}.md) | {severity} | {after} "
            f"| `{alerts[0].annotations['dashboard_uid']}` |"
        )
    return "\n".join(rows) + "\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_are_there(page: Path) -> None:
    for words in _commands(page.read_text()):
        assert words[0] in PROGRAMS, words
        if words[0] == "kubectl":
            assert VERBS.intersection(words), words
        if "--" in words and words[words.index("--") + 1] == "whatchat":
            arguments = words[words.index("--") + 2 :]
            _require_command(arguments[: arguments.index(">")] if ">" in arguments else arguments)
        for url in (word for word in words if word.startswith("$API")):
            assert _is_served(url), url


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_lines_of_the_log_are_there(page: Path) -> None:
    source = "\n".join(path.read_text() for path in OF_THE_PRODUCT.rglob("*.py"))
    for pattern in _LOG_LINES.findall(page.read_text()):
        for line in _alternatives(pattern):
            assert line in source, line


def _alternatives(pattern: str) -> Iterator[str]:
    """What a pattern may match: ``a (b|c)|d`` is ``a b``, ``a c`` and ``d``."""
    inner = re.search(r"\(([^)]*)\)", pattern)
    if inner is None:
        yield from pattern.split("|")
        return
    for one in inner[1].split("|"):
        yield from _alternatives(pattern[: inner.start()] + one + pattern[inner.end() :])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_panels_are_there(page: Path) -> None:
    panels = _panels()
    for uid, named in _PANELS.findall(page.read_text()):
        for title in _TITLE.findall(named):
            assert " ".join(title.split()) in panels[uid], (uid, title)


def test_links_between_pages_lead_somewhere() -> None:
    for page in [*PAGES, rule_files.ROOT / "docs" / "slo.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).is_file(), (page.name, target)
