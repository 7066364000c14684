"""``docs/deploy.md`` can be followed: what it names is there, and its example installs."""

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import typer
import yaml

from dashboards.source.vocabulary import declared
from tests.chart.helm import CHART, ROOT, render
from tests.unit.alerts import rule_files
from whatchat.__main__ import app
from whatchat.settings import SECRETS, Settings

PAGE: Final = ROOT / "docs" / "deploy.md"
TEXT: Final = PAGE.read_text()
VALUES: Final = yaml.safe_load((CHART / "values.yaml").read_text())
SOURCE: Final = "\n".join(
    path.read_text()
    for folder, kind in ((ROOT / "src" / "whatchat", "*.py"), (CHART / "templates", "*"))
    for path in sorted(folder.rglob(kind))
    if path.is_file()
)

PROGRAMS: Final = frozenset(
    {"docker", "helm", "kubectl", "make", "mongodump", "mongorestore", "curl", "whatchat"}
)
FOREIGN: Final = frozenset(
    {"audit head", "kind load docker-image", "nf_conntrack: table full", "whatchat: WHATCHAT_…: …"}
)
"""What looks like a line of the log and is none, or is put together."""

LIBRARIES: Final = frozenset({"process_max_fds", "process_open_fds"})

_BLOCK: Final = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
_PROSE: Final = re.sub(r"```.*?```", "", TEXT, flags=re.DOTALL)
_SPANS: Final = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", _PROSE)]
_PATH: Final = re.compile(r"[a-z][A-Za-z]*(\.[A-Za-z]+)+\Z")
_GIVEN: Final = re.compile(r"[a-z]+\.[A-Za-z.]+=")
_LINE: Final = re.compile(r"[A-Za-z][\w' ,:/-]* [\w' ,:…/-]+\Z")


def _blocks(language: str) -> list[str]:
    return [text for kind, text in _BLOCK.findall(TEXT) if kind == language]


def _commands() -> Iterator[list[str]]:
    """Of the blocks and of the prose."""
    lines = [line for block in _blocks("sh") for line in block.splitlines()]
    lines += [span for span in _SPANS if span.split()[0] in PROGRAMS and " " in span]
    for line in lines:
        words = shlex.split(line, comments=True)
        if words and not re.match(r"[A-Z]+=", words[0]):
            yield words


def _value(path: str) -> Any:
    """What the chart has there; ``KeyError`` if nothing."""
    found: Any = VALUES
    for name in path.split("."):
        if not isinstance(found, Mapping):
            raise KeyError(path)
        found = found[name]
    return found


PATHS: Final = sorted(
    {span for span in _SPANS if _PATH.match(span) and span.split(".")[0] in VALUES}
)


def test_the_page_speaks_of_values() -> None:
    assert len(PATHS) > 40


@pytest.mark.parametrize("path", PATHS)
def test_values_are_there(path: str) -> None:
    _value(path)


def test_values_that_commands_set_are_there() -> None:
    set_ = [
        word for words in _commands() for word in words if re.match(r"[a-z]+\.[A-Za-z.]+=", word)
    ]
    assert set_
    for word in set_:
        _value(word.partition("=")[0])


def test_the_example_for_production_renders_with_nothing_for_trying_out() -> None:
    example = next(block for block in _blocks("yaml") if block.startswith("image:"))
    apis = ("monitoring.coreos.com/v1",)
    kinds = [one["kind"] for one in render(yaml.safe_load(example), apis=apis)]
    assert "StatefulSet" not in kinds
    assert {"HorizontalPodAutoscaler", "Ingress", "PodMonitor", "PrometheusRule"} <= set(kinds)


def test_commands_are_there() -> None:
    seen = set()
    for words in _commands():
        assert words[0] in PROGRAMS, words
        seen.add(words[0])
        if "--" in words and words[words.index("--") + 1] == "whatchat":
            _require_command(words[words.index("--") + 2 :])
        elif words[0] == "whatchat":
            _require_command(words[1:])
        elif words[0] == "make":
            assert f"\n{words[1]}:" in (ROOT / "Makefile").read_text(), words
    assert {"docker", "helm", "kubectl", "whatchat", "make"} <= seen


def _require_command(words: list[str]) -> None:
    """Fails unless ``whatchat`` has this command with these options."""
    command: Any = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    command.make_context("whatchat", words)


def test_metrics_are_there() -> None:
    known = {re.sub("_(bucket|sum|count)$", "", name) for name, _ in declared()} | LIBRARIES
    named = set(re.findall(r"\b(?:whatchat|process)_[a-z_]+", TEXT))
    assert named
    assert named <= known, named - known


def test_alerts_and_their_runbooks_are_there() -> None:
    named = set(re.findall(r"\bWhatchat[A-Z]\w+", TEXT))
    assert named <= set(rule_files.names()), named - set(rule_files.names())


def test_variables_and_keys_of_secrets_are_there() -> None:
    known = {name.upper() for name in Settings.model_fields}
    assert set(re.findall(r"\bWHATCHAT_([A-Z_]+)", TEXT)) <= known
    keys = {name.replace("_", "-") for name in SECRETS}
    assert set(re.findall(r"--from-literal=([a-z-]+)=", TEXT)) <= keys


def test_lines_of_the_log_are_there() -> None:
    lines = [span for span in _SPANS if _LINE.match(span) and span.split()[0] not in PROGRAMS]
    told = [line for line in lines if line.split(" …")[0] in SOURCE]
    for expected in (
        "waiting for the store",
        "starting without Redis",
        "dependency does not answer",
        "database call failed",
        "no room for more connections",
        "sockets were cut off",
        "MongoDB's disk is full",
        "this machine's clock is … the store's",
    ):
        assert expected in told
    assert [line for line in lines if line not in told and line not in FOREIGN] == []


def _row(begins: str) -> list[str]:
    """The three cells of a row of the worked examples."""
    line = next(line for line in TEXT.splitlines() if line.startswith(f"| {begins}"))
    return [cell.strip() for cell in line.split("|")[2:5]]


@pytest.mark.parametrize("at", range(3))
def test_the_sums_of_the_worked_examples_are_right(at: int) -> None:
    sockets = 10_000 * 10**at
    rate = sockets / 120
    pods = sockets // 5_000 * 3 // 2
    assert _row("messages a second (")[at] == f"{rate:,.0f}"
    assert float(_row("cores of all pods")[at]) == pytest.approx(rate * 2.02e-3, rel=0.03)
    assert _row("pods: sockets")[at] == str(pods)
    assert _row("connects a second")[at].startswith(f"{sockets / 60:,.0f}")
    assert f"{pods} \N{MULTIPLICATION SIGN} " in _row("MongoDB's connections")[at]
    assert float(_row("MongoDB: cores")[at]) == pytest.approx(rate * 1.8e-3, rel=0.03)
    gigabytes = float(_row("log a day")[at].split()[0])
    assert gigabytes == pytest.approx(rate * 8 * 3600 * 2e-6, rel=0.05)


def _anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_links_lead_somewhere() -> None:
    for target, anchor in re.findall(r"\]\(([^)#:]*)#?([^)]*)\)", TEXT):
        page = PAGE.parent / target if target else PAGE
        assert page.exists(), target
        assert not anchor or anchor in _anchors(page), anchor
    for path in re.findall(r"`((?:docs|helm|dashboards|k8s)/[\w./-]+)`", TEXT):
        assert (ROOT / path).exists(), path
