"""The rules of the house that no linter knows."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from whatchat.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "whatchat"
MODULES = sorted(SOURCE.rglob("*.py"))
MAX_LINES = 300

TABLES = {"src/whatchat/observability/metrics.py"}
"""Files that are one table: it is read by row, and is to be in one place."""

MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:home|root|Users|work|opt/wheels)/\w")
REGISTRY_HOST = re.compile(
    r"\b(?:deb|files|index|proxy|registry|repo1?)\.[a-z]+\.(?:com|io|net|org)\b"
    r"|\b(?:crates|npmjs|pypi|pythonhosted|yarnpkg)\.(?:com|io|org)\b"
)
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "pydantic_settings.BaseSettings"}
LIBRARIES_WITH_INTERNALS = ("engineio", "picows", "socketio", "uvicorn")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text()))


def imports(path: Path) -> Iterator[str]:
    """What a module imports, by full dotted name."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def tracked_texts() -> Iterator[tuple[str, str]]:
    """Every text file that is, or is about to be, under version control."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and b"\0" not in (raw := path.read_bytes()):
            yield name, raw.decode()


def is_internal(name: str) -> bool:
    """Whether a name imported from one of these libraries is none that it documents."""
    library, *rest = name.split(".")
    if library not in LIBRARIES_WITH_INTERNALS:
        return False
    return library == "engineio" or any(
        part.startswith("_") or part == "protocols" for part in rest
    )


@pytest.mark.parametrize("path", sorted((SOURCE / "domain" / "ports").glob("[a-z]*.py")), ids=named)
def test_each_port_file_holds_one_documented_protocol(path: Path) -> None:
    protocols = [
        node
        for node in nodes(path)
        if isinstance(node, ast.ClassDef) and "Protocol" in map(ast.unparse, node.bases)
    ]
    assert [protocol.name.lower() for protocol in protocols] == [path.stem.replace("_", "")]
    methods = [
        node
        for node in protocols[0].body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert methods
    assert [node.name for node in (protocols[0], *methods) if not ast.get_docstring(node)] == []


def test_files_stay_short_enough_to_be_read_at_once() -> None:
    sources = [
        path
        for path in SOURCE.rglob("*")
        if path.suffix in {".html", ".js", ".lua", ".py", ".sql"} and "vendor" not in path.parts
    ]
    lengths = {named(path): len(path.read_text().splitlines()) for path in sources}
    assert len(lengths) > 50
    long = {name for name, lines in lengths.items() if lines > MAX_LINES}
    assert long == TABLES


def test_settings_alone_read_the_environment() -> None:
    readers = {
        named(path)
        for path in MODULES
        if not ENVIRONMENT.isdisjoint(imports(path))
        or any(
            isinstance(node, ast.Attribute) and ast.unparse(node) in ENVIRONMENT
            for node in nodes(path)
        )
    }
    assert readers == {"src/whatchat/settings.py"}


def test_seams_alone_touch_what_libraries_keep_to_themselves() -> None:
    offenders = {
        f"{named(path)}: {name}"
        for path in MODULES
        if path != SOURCE / "realtime" / "seams.py"
        for name in imports(path)
        if is_internal(name)
    }
    assert offenders == set()


def test_only_the_command_line_prints() -> None:
    printers = {
        named(path)
        for path in MODULES
        for node in nodes(path)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "sys.stdout.write"}
    }
    assert printers <= {"src/whatchat/__main__.py"}


@pytest.mark.parametrize("pattern", [MACHINE_PATH, REGISTRY_HOST], ids=["path", "registry"])
def test_no_text_names_a_machine_or_a_registry(pattern: re.Pattern[str]) -> None:
    found = [
        f"{name}: {match[0]}" for name, text in tracked_texts() for match in pattern.finditer(text)
    ]
    assert found == []


def test_env_example_lists_every_setting_with_its_default() -> None:
    example = (ROOT / ".env.example").read_text()
    listed = dict(re.findall(rf"^#? ?({PREFIX}\w+)=(.*)$", example, re.MULTILINE))
    assert set(listed) == {PREFIX + name.upper() for name in Settings.model_fields}
    defaults = Settings.model_construct()
    for name in Settings.model_fields:
        default = getattr(defaults, name)
        expected = "" if default in (None, ()) else str(default)
        assert listed[PREFIX + name.upper()] == expected, name


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split()
    listed = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True)
    assert re.findall(r"^  make (\S+)", listed.stdout, re.MULTILINE) == targets


def test_tests_that_run_alone_are_where_the_makefile_looks_for_them() -> None:
    (listed,) = re.findall(r"^ALONE +:= (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    marked = {
        named(path)
        for path in (ROOT / "tests").rglob("*.py")
        if any(ast.unparse(node) == "pytest.mark.alone" for node in nodes(path))
    }
    assert set(listed.split()) == marked
