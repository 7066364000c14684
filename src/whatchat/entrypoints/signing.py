"""The keys that access tokens are signed with, from the settings."""

import secrets
from typing import Final

from whatchat.adapters.embedded.secret_file import kept_secret
from whatchat.features.accounts.keys import KeyRing
from whatchat.settings import MIN_SECRET_BYTES, BadSetting, Settings

SECRET_FILE: Final = "jwt-secret"  # noqa: S105 - the name of a file


def signing_keys(settings: Settings) -> KeyRing:
    """The keys that the settings name; :class:`BadSetting` if they are not usable."""
    if settings.jwt_keys_dir is not None:
        try:
            return KeyRing.of_folder(settings.jwt_keys_dir)
        except ValueError as error:
            raise BadSetting(f"WHATCHAT_JWT_KEYS_DIR: {error}") from error
    return KeyRing.of_secret(_secret(settings).encode())


def _secret(settings: Settings) -> str:
    """The secret given, or the one that the embedded store's folder keeps."""
    if settings.jwt_secret is not None:
        return settings.jwt_secret.get_secret_value()
    if settings.data_dir is None:
        return secrets.token_urlsafe(48)
    path = settings.data_dir / SECRET_FILE
    try:
        secret = kept_secret(path)
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(f"WHATCHAT_JWT_SECRET: cannot keep one in {path}: {error}") from error
    if len(secret.encode()) < MIN_SECRET_BYTES:
        raise BadSetting(f"WHATCHAT_JWT_SECRET: {path} holds none; delete it to have one made")
    return secret
