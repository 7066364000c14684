"""Compressing answers."""

from collections.abc import Sequence
from typing import Final

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

COMPRESSED_FROM_BYTES: Final = 1024
COMPRESSION_LEVEL: Final = 5

Headers = Sequence[tuple[bytes, bytes]]

_ACCEPT_ENCODING: Final = b"accept-encoding"


class Compression:
    """Compresses answers of 1 KiB and more for those who accept gzip (RFC 9110, 12.5.3)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = GZipMiddleware(
            app, minimum_size=COMPRESSED_FROM_BYTES, compresslevel=COMPRESSION_LEVEL
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "headers": _plain(scope["headers"])}
        await self._app(scope, receive, send)


def _plain(headers: Headers) -> Headers:
    """What is accepted in the only form that Starlette understands: the word, or nothing."""
    others = [header for header in headers if header[0] != _ACCEPT_ENCODING]
    return [*others, (_ACCEPT_ENCODING, b"gzip")] if _accepts_gzip(headers) else others


def _accepts_gzip(headers: Headers) -> bool:
    accepted = b",".join(value for name, value in headers if name == _ACCEPT_ENCODING)
    for coding in accepted.lower().split(b","):
        name, _, weight = coding.partition(b";")
        if name.strip() == b"gzip":
            return not weight or _is_positive(weight)
    return False


def _is_positive(weight: bytes) -> bool:
    name, _, value = weight.partition(b"=")
    try:
        return name.strip() == b"q" and float(value) > 0
    except ValueError:
        return False
