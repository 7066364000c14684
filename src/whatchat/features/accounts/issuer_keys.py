"""An issuer's keys as this pod knows them."""

import asyncio
import logging
import random
from collections.abc import Collection, Mapping
from time import monotonic
from typing import Final

import msgspec
from msgspec import Struct

from whatchat.domain.errors import Unavailable
from whatchat.domain.ports.web_documents import WebDocuments
from whatchat.domain.tasks import ended
from whatchat.domain.urls import is_private
from whatchat.features.accounts.external_keys import ALGORITHMS, IssuerKey, read_keys
from whatchat.observability.metrics import Metrics

log = logging.getLogger(__name__)

REFRESH_SECONDS: Final = 300.0
RETRY_SECONDS: Final = 30.0
AGAIN_SECONDS: Final = 30.0

_WELL_KNOWN: Final = "/.well-known/openid-configuration"
_random: Final = random.SystemRandom()


class _Configuration(Struct, frozen=True, kw_only=True):
    issuer: str
    jwks_uri: str


class IssuerKeys:
    """The keys that ``issuer`` publishes, at ``url`` or where its configuration says.

    They are read in the background, and kept until they can be read anew: an issuer that is
    away is logged once, counted, and changes nothing. A key that is not known is looked for
    at once, but not more often than each :data:`AGAIN_SECONDS`, whoever asks.
    """

    def __init__(
        self,
        issuer: str,
        documents: WebDocuments,
        metrics: Metrics,
        *,
        url: str | None = None,
        algorithms: Collection[str] = ALGORITHMS,
    ) -> None:
        self._issuer = issuer
        self._documents = documents
        self._metrics = metrics
        self._url = url
        self._algorithms = frozenset(algorithms)
        self._keys: Mapping[str, IssuerKey] = {}
        self._asked_again = float("-inf")
        self._is_away = False
        self._reading: asyncio.Task[None] | None = None
        self._keeping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to read; a pod does not wait for its issuer."""
        self._begin()
        self._keeping = asyncio.create_task(self._keep(), name="issuer's keys")

    async def stop(self) -> None:
        """Read no more."""
        for task in (self._keeping, self._reading):
            if task is not None:
                await ended(task)

    async def find(self, kid: str) -> IssuerKey | None:
        """The key of that name, if there is one; ``Unavailable`` while none was ever read."""
        if kid not in self._keys and self._is_reading:
            await self._read()
        if kid not in self._keys:
            await self._look_again()
        if not self._keys:
            raise Unavailable
        return self._keys.get(kid)

    @property
    def _is_reading(self) -> bool:
        return self._reading is not None and not self._reading.done()

    async def _look_again(self) -> None:
        now = monotonic()
        if now - self._asked_again >= AGAIN_SECONDS:
            self._asked_again = now
            await self._read()
        elif self._is_reading:
            await self._read()

    async def _keep(self) -> None:
        while True:
            await self._read()
            seconds = RETRY_SECONDS if self._is_away else REFRESH_SECONDS
            await asyncio.sleep(seconds * _random.uniform(0.9, 1.1))

    async def _read(self) -> None:
        """Read once, together with whoever is reading."""
        await asyncio.wait({self._begin()})

    def _begin(self) -> "asyncio.Task[None]":
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._try_to_read(), name="reading issuer's keys")
        return self._reading

    async def _try_to_read(self) -> None:
        try:
            document = await self._documents.read(self._url or await self._discovered())
            self._keys = read_keys(document, self._algorithms)
            self._is_away = False
        except (Unavailable, ValueError) as error:
            self._complain(error.text if isinstance(error, Unavailable) else str(error))
        except Exception:
            log.exception("the keys of %s could not be read", self._issuer)
            self._complain("unexpected")

    def _complain(self, reason: str) -> None:
        self._metrics.issuer_failures.inc()
        if not self._is_away:
            log.warning(
                "the keys of %s cannot be read; those known stay in force: %s", self._issuer, reason
            )
        self._is_away = True

    async def _discovered(self) -> str:
        """Where the keys are (OpenID Connect Discovery 1.0, section 4)."""
        document = await self._documents.read(self._issuer.rstrip("/") + _WELL_KNOWN)
        try:
            found = msgspec.json.decode(document, type=_Configuration)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise ValueError("its configuration is not one") from None
        if found.issuer != self._issuer:
            raise ValueError("its configuration is that of another issuer")
        if not is_private(found.jwks_uri, loopback=self._issuer.startswith("http://")):
            raise ValueError("its keys are not at an https:// URL")
        return found.jwks_uri
