"""From an HTTP request to a command's fields."""

import asyncio

from starlette.requests import Request

from whatchat.domain.errors import Invalid, TooLarge, Unavailable
from whatchat.entrypoints.decoding import parse_json

Fields = dict[str, object]

QUERY_METHODS = frozenset({"GET", "HEAD", "DELETE"})
"""Methods whose fields may stand in the query; elsewhere secrets would end up in addresses."""

READ_SECONDS = 10.0
DISCARDED_BYTES = 1024 * 1024


async def request_fields(request: Request, max_bytes: int) -> Fields:
    """What path, query and JSON body say together; no field may be said twice differently."""
    fields: Fields = {}
    _merge(fields, _body_fields(await _read(request, max_bytes)))
    _merge(fields, _query_fields(request))
    _merge(fields, dict(request.path_params))
    return fields


def _body_fields(body: bytes) -> Fields:
    if not body.strip():
        return {}
    value = parse_json(body)
    if not isinstance(value, dict):
        raise Invalid("the body must be a JSON object")
    return value


def _query_fields(request: Request) -> Fields:
    items = request.query_params.multi_items()
    if items and request.method not in QUERY_METHODS:
        raise Invalid("fields belong in the body", field=items[0][0][:64])
    fields: Fields = {}
    for name, value in items:
        _merge(fields, {name: value})
    return fields


def _merge(fields: Fields, more: Fields) -> None:
    for name, value in more.items():
        if name in fields and fields[name] != value:
            raise Invalid(f"`{name[:64]}` is given twice", field=name[:64])
        fields[name] = value


async def _read(request: Request, max_bytes: int) -> bytes:
    """The body; ``TooLarge`` above ``max_bytes``.

    What is too large, but not by far, is read to its end: a client still busy sending
    then gets the answer instead of a reset connection.
    """
    if _declared_length(request) > max(max_bytes, DISCARDED_BYTES):
        raise TooLarge
    body, total = bytearray(), 0
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for chunk in request.stream():
                total += len(chunk)
                if total <= max_bytes:
                    body += chunk
                elif total > max(max_bytes, DISCARDED_BYTES):
                    break
    except TimeoutError:
        raise Unavailable("the body did not arrive in time") from None
    if total > max_bytes:
        raise TooLarge
    return bytes(body)


def _declared_length(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else 0
