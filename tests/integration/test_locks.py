"""The lock files name what pyproject.toml asks for, by hash, and not where it came from."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
RUNTIME = ROOT / ".ci" / "requirements.txt"
DEVELOPMENT = ROOT / ".ci" / "requirements-dev.txt"
LOAD = ROOT / ".ci" / "requirements-load.txt"
JAVASCRIPT = ("tests/js", "loadtests/bench/peers/node")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def locked(path: Path) -> dict[str, str]:
    """The version of each package in a lock file."""
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", path.read_text(), re.MULTILINE))


def requirements(*extras: str) -> list[Requirement]:
    """What the project needs with these extras, its build backend included."""
    optional = PROJECT["project"]["optional-dependencies"]
    listed = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]
    return [
        Requirement(text) for text in listed + [row for name in extras for row in optional[name]]
    ]


@pytest.mark.parametrize(
    ("lock", "extras"),
    [(RUNTIME, []), (LOAD, ["load"]), (DEVELOPMENT, ["client", "load", "dev"])],
    ids=["runtime", "load", "development"],
)
def test_the_lock_satisfies_the_project(lock: Path, extras: list[str]) -> None:
    versions = locked(lock)
    unmet = [
        str(requirement)
        for requirement in requirements(*extras)
        if not requirement.specifier.contains(
            versions.get(canonicalize_name(requirement.name), "0")
        )
    ]
    assert unmet == [], "run `make lock`"


@pytest.mark.parametrize("lock", [LOAD, DEVELOPMENT], ids=["load", "development"])
def test_tests_run_on_the_versions_that_are_deployed(lock: Path) -> None:
    assert locked(RUNTIME).items() <= locked(lock).items()


@pytest.mark.parametrize(
    "lock", [RUNTIME, LOAD, DEVELOPMENT], ids=["runtime", "load", "development"]
)
def test_every_locked_package_has_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text()
    entries = re.findall(r"^[a-z0-9-]+==.*\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)
    assert len(entries) == len(re.findall(r"^[^ #].*==", text, re.MULTILINE))
    assert "://" not in text


@pytest.mark.parametrize("folder", JAVASCRIPT)
def test_the_javascript_locks_have_hashes_and_no_address(folder: str) -> None:
    lock = json.loads((ROOT / folder / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())
    assert not any("resolved" in entry for entry in packages.values())


@pytest.mark.parametrize("folder", JAVASCRIPT)
def test_the_javascript_locks_are_of_exact_versions(folder: str) -> None:
    wanted = json.loads((ROOT / folder / "package.json").read_text())["dependencies"]
    packages = json.loads((ROOT / folder / "package-lock.json").read_text())["packages"]
    assert wanted == {name: packages[f"node_modules/{name}"]["version"] for name in wanted}
