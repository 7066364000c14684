"""What the Dockerfile may say, and what it is given to say it with."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.image.buildah import ROOT

DOCKERFILE = ROOT / "Dockerfile"
TEXT = DOCKERFILE.read_text()


def instructions(name: str, text: str = TEXT) -> list[str]:
    """The arguments of each such instruction, in their order."""
    joined = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    return re.findall(rf"^{name} (.*)$", joined, re.MULTILINE)


def final_stage() -> str:
    return TEXT[TEXT.rindex("\nFROM ") + 1 :]


def load_stage() -> str:
    return TEXT[TEXT.index("FROM scratch AS load\n") : TEXT.rindex("\nFROM ")]


def test_hadolint_is_silent() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, DOCKERFILE], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_base_is_an_official_slim_image_of_one_version() -> None:
    (base,) = [each for each in instructions("ARG") if each.startswith("PYTHON_IMAGE=")]
    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.\d+\.\d+-slim-(bookworm|trixie)", base)
    assert instructions("FROM") == [
        "${PYTHON_IMAGE} AS builder",
        "scratch AS proven",
        "builder AS load-builder",
        "scratch AS load-proven",
        "scratch AS load",
        "scratch",
    ]


def test_nothing_is_fetched_without_a_hash_nor_compiled() -> None:
    assert instructions("ADD") == []
    steps = [step for each in instructions("RUN") for step in each.split("&&")]
    fetches = [step for step in steps if "pip download" in step]
    assert len(fetches) == 2
    for step in fetches:
        assert {"--require-hashes", "--only-binary"} <= set(shlex.split(step))
    others = [step for step in steps if "bin/pip " in step and step not in fetches]
    assert len(others) == 4
    for step in others:
        assert "--no-index" in shlex.split(step)
    assert not re.search(r"apt-get|curl|wget|gcc", TEXT)


def test_it_runs_as_a_numbered_user_and_without_a_shell() -> None:
    final = final_stage()
    for stage in (final, load_stage()):
        assert instructions("USER", stage) == ["10001:10001"]
        assert instructions("RUN", stage) == []
        assert instructions("STOPSIGNAL", stage) == ["SIGTERM"]
        for name in ("CMD", "ENTRYPOINT"):
            assert all(each.startswith("[") for each in instructions(name, stage))
    (health,) = instructions("HEALTHCHECK", final)
    assert '["python", "-m", "whatchat.entrypoints.health"]' in health


def test_what_plays_a_load_test_needs_nothing_of_the_tests() -> None:
    """Whatever the image of load tests starts is loaded with its own parts alone."""
    copied = [shlex.split(each) for each in instructions("COPY") if "loadtests" in each]
    sources = [ROOT / source for words in copied for source in words[:-1]]
    files = [
        file for each in sources for file in ([each] if each.is_file() else each.rglob("*.py"))
    ]
    assert len(files) > 30
    inside = {str(file.relative_to(ROOT).with_suffix("")).replace("/", ".") for file in files}
    for file in files:
        for name in re.findall(r"^from (\S+) import", file.read_text(), re.MULTILINE):
            assert not name.startswith("tests"), file
            if name.startswith("loadtests."):
                parent = any(one.startswith(f"{name}.") for one in inside)
                assert name in inside or parent, (file, name)


def test_the_build_is_given_what_it_asks_for_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = {line[1:] for line in lines if line.startswith("!")}
    rest = [line for line in lines if line and line[0] not in "!#"]
    copied = [shlex.split(each) for each in instructions("COPY")]
    asked = {source for words in copied if "--from" not in words[0] for source in words[:-1]}
    assert let_in == asked
    assert rest == ["*", "**/__pycache__"]
    assert all((ROOT / source).exists() for source in asked)
