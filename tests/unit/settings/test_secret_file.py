import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from whatchat.adapters.embedded.secret_file import kept_secret


def test_a_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "data" / "jwt-secret"
    secret = kept_secret(path)
    assert len(secret) >= 48
    assert kept_secret(path) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["jwt-secret"]


def test_whoever_starts_at_the_same_time_gets_the_same_secret(tmp_path: Path) -> None:
    path = tmp_path / "jwt-secret"
    with ThreadPoolExecutor(16) as threads:
        secrets = list(threads.map(lambda _: kept_secret(path), range(64)))
    assert len(set(secrets)) == 1


def test_each_store_has_its_own(tmp_path: Path) -> None:
    assert kept_secret(tmp_path / "a") != kept_secret(tmp_path / "b")


def test_a_folder_that_cannot_be_made_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        kept_secret(tmp_path / "file" / "jwt-secret")
