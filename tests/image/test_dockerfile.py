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


def test_hadolint_is_silent() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, DOCKERFILE], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_base_is_an_official_slim_image_of_one_version() -> None:
    (base,) = [each for each in instructions("ARG") if each.startswith("PYTHON_IMAGE=")]
    assert re.fullmatch(r"PYTHON_IMAGE=python:3\.\d+\.\d+-slim-(bookworm|trixie)", base)
    assert instructions("FROM") == ["${PYTHON_IMAGE} AS builder", "scratch AS proven", "scratch"]


def test_nothing_is_fetched_without_a_hash_nor_compiled() -> None:
    assert instructions("ADD") == []
    (step,) = [each for each in instructions("RUN") if "pip download" in each]
    assert {"--require-hashes", "--only-binary"} <= set(shlex.split(step))
    others = [each for each in instructions("RUN") if "pip " in each and each != step]
    assert others
    for each in others:
        assert each.count("--no-index") == len(re.findall(r"\b(install|wheel) --", each))
    assert not re.search(r"apt-get|curl|wget|gcc", TEXT)


def test_it_runs_as_a_numbered_user_and_without_a_shell() -> None:
    final = final_stage()
    assert instructions("USER", final) == ["10001:10001"]
    assert instructions("RUN", final) == []
    assert instructions("STOPSIGNAL", final) == ["SIGTERM"]
    for name in ("CMD", "ENTRYPOINT"):
        assert all(each.startswith("[") for each in instructions(name, final))
    (health,) = instructions("HEALTHCHECK", final)
    assert '["python", "-m", "whatchat.entrypoints.health"]' in health


def test_the_build_is_given_what_it_asks_for_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = {line[1:] for line in lines if line.startswith("!")}
    rest = [line for line in lines if line and line[0] not in "!#"]
    copied = [shlex.split(each) for each in instructions("COPY")]
    asked = {source for words in copied if "--from" not in words[0] for source in words[:-1]}
    assert let_in == asked
    assert rest == ["*", "**/__pycache__"]
    assert all((ROOT / source).exists() for source in asked)
