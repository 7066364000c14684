import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from whatchat.entrypoints.signing import signing_keys
from whatchat.settings import BadSetting, Settings


def in_folder(folder: Path) -> Settings:
    return Settings(store_url=f"sqlite:///{folder}/whatchat.db")


def test_a_secret_that_is_given_is_used() -> None:
    keys = signing_keys(Settings(jwt_secret=SecretStr("s" * 32)))
    assert keys.ring.signing.private == b"s" * 32


def test_a_file_store_keeps_the_secret_that_is_made(tmp_path: Path) -> None:
    first, second = (signing_keys(in_folder(tmp_path)) for _ in range(2))
    assert first.ring.signing.private == second.ring.signing.private
    assert stat.S_IMODE((tmp_path / "jwt-secret").stat().st_mode) == 0o600


def test_a_store_in_memory_keeps_none() -> None:
    settings = Settings(store_url="sqlite://:memory:")
    first, second = (signing_keys(settings) for _ in range(2))
    assert first.ring.signing.private != second.ring.signing.private


def test_a_damaged_secret_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "jwt-secret").write_text("short\n")
    with pytest.raises(BadSetting, match=r"^WHATCHAT_JWT_SECRET: .*delete it"):
        signing_keys(in_folder(tmp_path))


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadSetting, match=r"^WHATCHAT_JWT_SECRET: cannot keep one"):
        signing_keys(in_folder(tmp_path / "file"))


def test_a_folder_without_keys_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"^WHATCHAT_JWT_KEYS_DIR: "):
        signing_keys(Settings(jwt_keys_dir=tmp_path))
