"""`/metrics`: expositions are handed to whoever scrapes, as fast as they take them."""

import asyncio
from typing import Final

import structlog
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from whatchat.domain.errors import Unavailable
from whatchat.entrypoints.errors import error_response
from whatchat.observability.exposition import Exposition, content_type_for

MAX_SCRAPES: Final = 8
CHUNK_BYTES: Final = 32 * 1024
HAND_OUT_SECONDS: Final = 10.0
"""Prometheus itself gives up after ten seconds, unless told otherwise."""

log = structlog.get_logger("whatchat.metrics")


class Scraping:
    """An ASGI application that answers with the metrics.

    A scraper is handed a piece when it has taken the one before; one that has not taken all
    within ``HAND_OUT_SECONDS`` is left. ``MAX_SCRAPES`` are served at a time, to the last byte,
    and others get 503.
    """

    def __init__(self, exposition: Exposition) -> None:
        self._exposition = exposition
        self._serving = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._serving >= MAX_SCRAPES:
            await error_response(Unavailable("too many scrapes"))(scope, receive, send)
            return
        self._serving += 1
        try:
            await self._serve(Headers(scope=scope).get("accept", ""), send)
        except TimeoutError:
            log.warning("a scraper does not read what it asked for", seconds=HAND_OUT_SECONDS)
        finally:
            self._serving -= 1

    async def _serve(self, accept: str, send: Send) -> None:
        content_type = content_type_for(accept)
        text = await self._exposition.of(content_type)
        headers = {"content-type": content_type, "content-length": str(len(text)), "vary": "Accept"}
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            }
        )
        async with asyncio.timeout(HAND_OUT_SECONDS):
            for start in range(0, len(text), CHUNK_BYTES):
                chunk = text[start : start + CHUNK_BYTES]
                is_last = start + CHUNK_BYTES >= len(text)
                await send({"type": "http.response.body", "body": chunk, "more_body": not is_last})
