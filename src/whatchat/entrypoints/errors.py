"""From domain errors to HTTP."""

from collections.abc import Mapping
from math import ceil

import msgspec
from starlette.responses import Response

from whatchat.domain.errors import ChatError, ErrorBody, ErrorCode, Unparsable

STATUS: Mapping[ErrorCode, int] = {
    "invalid": 422,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "too_large": 413,
    "rate_limited": 429,
    "plaintext_refused": 422,
    "unavailable": 503,
}
UNPARSABLE_STATUS = 400


class ErrorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The body of every REST answer that is not a success."""

    error: ErrorBody


def error_response(error: ChatError) -> Response:
    """The answer that tells a client of ``error``."""
    status = UNPARSABLE_STATUS if isinstance(error, Unparsable) else STATUS[error.code]
    return json_error(error.body(), status, _headers(error))


def json_error(body: ErrorBody, status: int, headers: Mapping[str, str] | None = None) -> Response:
    """``{"error": body}`` with a status."""
    content = msgspec.json.encode(ErrorAnswer(error=body))
    return Response(content, status, headers, media_type="application/json")


def _headers(error: ChatError) -> Mapping[str, str] | None:
    if error.code == "unauthenticated":
        return {"WWW-Authenticate": "Bearer"}
    if error.retry_after_ms is not None:
        return {"Retry-After": str(max(1, ceil(error.retry_after_ms / 1000)))}
    return None
