"""The keys that heads of the audit log are signed with, from the settings."""

from collections.abc import Sequence

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from whatchat.audit.heads import HeadKey
from whatchat.entrypoints.signing import SECRET_FILE, signing_keys
from whatchat.settings import BadSetting, Settings


def head_keys(settings: Settings, *, make: bool) -> Sequence[HeadKey]:
    """The keys, of which the last one signs; none if there is none that lasts.

    It is the one in ``WHATCHAT_AUDIT_KEY_FILE``, or else there is one for each that access
    tokens are signed with, derived from it. The secret that the embedded store's folder keeps
    is made only if told to ``make`` it. Raises :class:`BadSetting`.
    """
    if settings.audit_key_file is not None:
        return [_read(settings)]
    if not _has_lasting(settings, make=make):
        return []
    ring = signing_keys(settings).ring
    private = [key.private for key in ring.all if key.private is not None]
    return [HeadKey.derived_from(_material(one)) for one in private]


def _has_lasting(settings: Settings, *, make: bool) -> bool:
    if settings.jwt_keys_dir is not None or settings.jwt_secret is not None:
        return True
    folder = settings.data_dir
    return folder is not None and (make or (folder / SECRET_FILE).exists())


def _read(settings: Settings) -> HeadKey:
    path = settings.audit_key_file
    try:
        private = load_pem_private_key(path.read_bytes(), password=None) if path else None
    except OSError as error:
        raise BadSetting(f"WHATCHAT_AUDIT_KEY_FILE: cannot read it: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        raise BadSetting("WHATCHAT_AUDIT_KEY_FILE: is not an unencrypted PEM Ed25519 private key")
    return HeadKey(private)


def _material(private: bytes | Ed25519PrivateKey) -> bytes:
    return private if isinstance(private, bytes) else private.private_bytes_raw()
