"""What is in the image, and what it says of itself."""

import gzip
import json
import re
import sys
import tarfile
from pathlib import Path

import pytest

from tests.image.conftest import REVISION, SOURCE, USER, VERSION, Image

pytestmark = [pytest.mark.image, pytest.mark.timeout(1200)]

MOST_MB = 140
MOST_COMPRESSED_MB = 55
ONLY_FOR_BUILDING = {"hatchling", "packaging", "pathspec", "pluggy", "trove-classifiers", "tomlkit"}


def files(image: Image) -> list[Path]:
    return [path for path in image.root.rglob("*") if path.is_file() and not path.is_symlink()]


def megabytes(size: int) -> float:
    return size / 1_000_000


def test_it_says_what_it_is(image: Image) -> None:
    prefix = "org.opencontainers.image."
    told = {key.removeprefix(prefix): value for key, value in image.config["Labels"].items()}
    assert told["title"] == "Whatchat"
    assert told["licenses"] == "MIT"
    assert (told["version"], told["revision"], told["source"]) == (VERSION, REVISION, SOURCE)
    assert told["description"]
    assert told["base.name"] == image.buildah.base


def test_it_runs_whatchat_as_a_user_of_its_own(image: Image) -> None:
    config = image.config
    assert config["User"] == f"{USER}:{USER}"
    assert config["Entrypoint"] == ["whatchat"]
    assert config["Cmd"] == ["serve", "--host", "0.0.0.0"]
    assert config["StopSignal"] == "SIGTERM"
    assert sorted(config["ExposedPorts"]) == ["8000/tcp", "9000/tcp"]


def test_nothing_else_can_be_run_in_it(image: Image) -> None:
    def is_program(path: Path) -> bool:
        return bool(path.stat().st_mode & 0o111) and ".so" not in path.suffixes

    programs = {path.name for path in files(image) if is_program(path)}
    assert {re.sub(r"[\d.]+", "", each) for each in programs} == {"python", "whatchat"}


def test_nobody_may_change_it(image: Image) -> None:
    everything = [path for path in image.root.rglob("*") if not path.is_symlink()]
    changeable = [
        str(path.relative_to(image.root))
        for path in everything
        if path.stat().st_uid != 0 or path.stat().st_mode & 0o6022
    ]
    assert sorted(changeable) == ["data", "tmp"]
    assert list((image.root / "data").iterdir()) == list((image.root / "tmp").iterdir()) == []
    assert (image.root / "data").stat().st_uid == USER


def test_every_module_has_bytecode_that_is_used_as_it_is(image: Image) -> None:
    sources = [path for path in files(image) if path.suffix == ".py"]
    assert len(sources) > 1000
    for source in sources:
        (cached,) = (source.parent / "__pycache__").glob(f"{source.stem}.cpython-*.pyc")
        # PEP 552: bit 0 says that there is a hash, bit 1 that it is to be looked at.
        assert cached.read_bytes()[4] == 0b01, source


def test_it_has_the_locked_libraries_and_no_others(image: Image) -> None:
    lock = (Path(__file__).parents[2] / ".ci/requirements.txt").read_text()
    locked = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", lock, re.MULTILINE))
    found = {}
    for metadata in image.root.glob("opt/whatchat/lib/python3*/site-packages/*.dist-info/METADATA"):
        text = metadata.read_text()
        told = dict(re.findall(r"^(Name|Version): (.*)$", text, re.MULTILINE))
        found[re.sub(r"[-_.]+", "-", told["Name"]).lower()] = told["Version"]
    assert found.pop("whatchat")
    assert found.items() <= locked.items()
    assert not set(found) & (ONLY_FOR_BUILDING | {"pip", "setuptools", "wheel"})


def test_scanners_are_told_which_packages_of_debian_are_in_it(image: Image) -> None:
    told = image.root / "var/lib/dpkg/status.d"
    assert {"libc6", "libssl3t64", "libsqlite3-0"} <= {path.name for path in told.iterdir()}
    for path in told.iterdir():
        assert re.search(r"^Version: \S", path.read_text(), re.MULTILINE)
        assert (image.root / "usr/share/doc" / path.name / "copyright").exists()


def test_it_is_small_and_an_upgrade_is_smaller(
    image: Image, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / "image.tar"
    image.buildah.run("push", "--quiet", image.name, f"docker-archive:{archive}:whatchat")
    sizes, packed = [], []
    with tarfile.open(archive) as content:
        manifest = content.extractfile("manifest.json")
        assert manifest
        for name in json.load(manifest)[0]["Layers"]:
            layer = content.extractfile(name)
            assert layer
            bytes_of_it = layer.read()
            sizes.append(megabytes(len(bytes_of_it)))
            packed.append(megabytes(len(gzip.compress(bytes_of_it, 6))))
    names = ("system", "libraries", "product", "state")
    # More than the four there may be, but they have nothing in them.
    of_it = dict(zip(names, zip(sizes, packed, strict=True), strict=False))
    with capsys.disabled():
        sys.stdout.write(f"\nthe image: {sum(sizes):.1f} MB, {sum(packed):.1f} MB compressed\n")
        for name, (size, small) in of_it.items():
            sys.stdout.write(f"  {name:9} {size:5.1f} MB, {small:4.1f} MB compressed\n")
    assert sum(sizes) < MOST_MB
    assert sum(packed) < MOST_COMPRESSED_MB
    assert of_it["product"][1] < 5
