"""The versions that the seams were made for, and no others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from whatchat.realtime.versions import VERSIONS, WrongVersion, require_versions


def test_the_versions_are_those_that_the_project_asks_for() -> None:
    asked = Path(__file__).parents[3].joinpath("pyproject.toml").read_text()
    for name, version in VERSIONS.items():
        assert f'"{name}=={version}"' in asked
    require_versions()


@pytest.mark.parametrize("library", ["picows", "no-such-library"])
def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    monkeypatch.setitem(VERSIONS, library, "1.0")
    with pytest.raises(WrongVersion, match=r"^whatchat: \S+==1\.0 is needed, found \S+$"):
        require_versions()


def test_a_pod_on_another_version_stops_with_one_line(tmp_path: Path) -> None:
    metadata = tmp_path / "picows-9.9.9.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: picows\nVersion: 9.9.9\n")
    ended = subprocess.run(
        [sys.executable, "-m", "whatchat", "serve", "--port", "0"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
    wanted = VERSIONS["picows"]
    assert ended.stderr == f"whatchat: picows=={wanted} is needed, found 9.9.9\n"
