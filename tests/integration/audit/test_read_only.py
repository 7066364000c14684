"""``whatchat audit`` on an embedded store in a folder that cannot be written."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.audit.test_command_line import SECRET, Log, fill, record
from tests.unit.entrypoints.test_command_line import environment
from whatchat.adapters.embedded.store import SqliteStore
from whatchat.audit.chain import chained

UNPRIVILEGED = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
"""Runs what follows without root's right to write anywhere."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder to be filled, and then sealed off."""
    folder = tmp_path / "read-only"
    folder.mkdir()
    yield folder
    folder.chmod(0o755)


def audit(folder: Path, command: str) -> "subprocess.CompletedProcess[str]":
    """What the command says once nothing in the folder can be written."""
    for path in folder.iterdir():
        path.chmod(0o444)
    folder.chmod(0o555)
    return subprocess.run(
        [
            *(UNPRIVILEGED if os.geteuid() == 0 else ()),
            *(sys.executable, "-m", "whatchat", "audit", command),
        ],
        env=environment(store_url=f"sqlite:///{folder}/store.db", jwt_secret=SECRET),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


async def test_a_file_that_a_pod_has_left_is_read_as_it_stands(folder: Path) -> None:
    log = Log(folder, f"sqlite:///{folder}/store.db")
    await fill(SqliteStore(str(folder / "store.db")), log)
    verified = audit(folder, "verify")
    assert (verified.returncode, verified.stderr) == (0, "")
    assert verified.stdout.startswith("good: 6 records")
    assert not has_log(folder)


async def test_what_a_killed_pod_had_only_in_its_log_is_read(folder: Path, tmp_path: Path) -> None:
    await leave(tmp_path / "store.db", folder)
    exported = audit(folder, "export")
    assert (exported.returncode, exported.stderr) == (0, "")
    assert exported.stdout.count("\n") == 6


async def test_without_its_index_a_log_is_not_passed_over(folder: Path, tmp_path: Path) -> None:
    await leave(tmp_path / "store.db", folder)
    (folder / "store.db-shm").unlink()
    refused = audit(folder, "verify")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("whatchat: WHATCHAT_STORE_URL: cannot open the database")


def has_log(folder: Path) -> bool:
    return any(folder.glob("store.db-*"))


async def leave(path: Path, folder: Path) -> None:
    """Copy the files of a store as they are when its pod is killed."""
    store = SqliteStore(str(path))
    await store.open()
    await store.migrate()
    assert await store.audit.seal(chained([record(number) for number in range(1, 7)], None))
    for file in path.parent.glob("store.db*"):
        shutil.copy(file, folder)
    await store.close()
