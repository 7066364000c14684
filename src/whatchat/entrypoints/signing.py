"""The keys that access tokens are signed with, from the settings."""

import secrets
from typing import Final, NamedTuple

from whatchat.adapters.embedded.secret_file import kept_secret
from whatchat.features.accounts.key_folder import KeyFolder
from whatchat.features.accounts.keys import KeyRing, secret_key
from whatchat.settings import MIN_SECRET_BYTES, BadSetting, Settings

SECRET_FILE: Final = "jwt-secret"  # noqa: S105 - the name of a file


class SigningKeys(NamedTuple):
    """The keys to begin with, and the folder that they may change in."""

    ring: KeyRing
    folder: KeyFolder | None = None


def signing_keys(settings: Settings) -> SigningKeys:
    """The keys that the settings name; :class:`BadSetting` if they are not usable."""
    previous = [one.get_secret_value().encode() for one in settings.jwt_previous_secrets]
    if settings.jwt_keys_dir is None:
        return SigningKeys(KeyRing.of_secret(_secret(settings).encode(), previous))
    folder = KeyFolder(settings.jwt_keys_dir, [secret_key(secret) for secret in previous])
    try:
        return SigningKeys(folder.read(), folder)
    except ValueError as error:
        raise BadSetting(f"WHATCHAT_JWT_KEYS_DIR: {error}") from error


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
