"""Signing keys as files in a folder, rolled over while pods run."""

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from whatchat.features.accounts.keys import KeyRing, SigningKey, pem_key

SETTLE_SECONDS: Final = 300
"""How long a key is known before it signs: other pods may meet a new file minutes later."""

MAX_FILE_BYTES: Final = 16_384

_KID: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")


class KeyFolder:
    """The Ed25519 keys in a folder: ``<kid>.pem`` and, to verify alone, ``<kid>.pub.pem``.

    A file of either name may hold a public key, which never signs; beside a private key of the
    same ``kid`` it retires that. Of the private keys the last one in order signs that this
    pod has known for :data:`SETTLE_SECONDS`; until there is one, the first. So a key is rolled
    over by adding a file, and nobody meets a token whose key could not have arrived yet.
    ``others`` are keys from elsewhere that verify as well.
    """

    def __init__(
        self,
        folder: Path,
        others: Sequence[SigningKey] = (),
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._others = tuple(others)
        self._clock = clock
        self._known_since: dict[str, float] = {}

    def read(self) -> KeyRing:
        """The keys as they are now. Blocks; ``ValueError`` names the folder or the file.

        Files met by the first reading are known since they were last written.
        """
        try:
            return self._ring([(path, _read(path)) for path in self._files()])
        except (OSError, ValueError) as error:
            raise ValueError(f"token keys in {self._folder}: {error}") from error

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("[!.]*.pem"))

    def _ring(self, found: Sequence[tuple[Path, SigningKey]]) -> KeyRing:
        self._learn(found)
        keys: dict[str, SigningKey] = {}
        for path, key in found:
            twin = keys.setdefault(key.kid, key)
            if twin.public.key != key.public.key:
                raise ValueError(f"{path.name} is not the key of the other file of that name")
            if key.private is None:
                keys[key.kid] = key
        signing = self._signing([key for key in keys.values() if key.private is not None])
        rest = [key for key in keys.values() if key is not signing]
        return KeyRing(signing, [*self._others, *rest])

    def _learn(self, found: Sequence[tuple[Path, SigningKey]]) -> None:
        now, is_first = self._clock(), not self._known_since
        self._known_since = {
            key.kid: self._known_since.get(
                key.kid, min(path.stat().st_mtime, now) if is_first else now
            )
            for path, key in found
        }

    def _signing(self, keys: Sequence[SigningKey]) -> SigningKey:
        if not keys:
            raise ValueError("there is no key to sign tokens with")
        learnt_by = self._clock() - SETTLE_SECONDS
        settled = [key for key in keys if self._known_since[key.kid] <= learnt_by]
        return settled[-1] if settled else keys[0]


def _read(path: Path) -> SigningKey:
    kid = path.name.removesuffix(".pem").removesuffix(".pub")
    if not _KID.match(kid):
        raise ValueError(f"{path.name} has a name that no key can have")
    with path.open("rb") as file:
        pem = file.read(MAX_FILE_BYTES)
    try:
        return pem_key(kid, pem)
    except ValueError as error:
        raise ValueError(f"{path.name} is {error}") from None
