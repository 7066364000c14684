"""Errors as the server told them, and those of the way there."""

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from whatchat.domain.errors import (
    ChatError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
)


class ConnectionLost(Unavailable):
    """The connection ended, or was never made: whether the command was taken is unknown."""

    message = "the connection to the server was lost"


class NoAnswer(Unavailable):
    """No answer came within its deadline: whether the command was taken is unknown."""

    message = "the server did not answer in time"


class ToldError(Struct, frozen=True, kw_only=True, rename="camel"):
    """An error object, read leniently."""

    code: str = ""
    message: str | None = None
    retryable: bool = False
    retry_after_ms: int | None = None
    field: str | None = None
    reason: str | None = None


_BY_CODE: Final[Mapping[str, type[ChatError]]] = {
    kind.code: kind
    for kind in (
        Invalid,
        Unauthenticated,
        Forbidden,
        NotFound,
        Conflict,
        TooLarge,
        RateLimited,
        Unavailable,
    )
}

_BY_STATUS: Final[Mapping[int, str]] = {
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    413: "too_large",
    429: "rate_limited",
}


def error_from(body: object) -> ChatError:
    """The error that an error object stands for; one of an unknown code by its retryability."""
    try:
        told = msgspec.convert(body, ToldError)
    except msgspec.ValidationError:
        return Unavailable()
    kind = _BY_CODE.get(told.code) or (Unavailable if told.retryable else Invalid)
    return kind(
        told.message,
        field=told.field,
        reason=told.reason,
        retry_after_ms=told.retry_after_ms,
    )


def error_of_status(status: int) -> ChatError:
    """The error behind an answer that something on the way gave in the server's place."""
    code = "unavailable" if status >= 500 else _BY_STATUS.get(status, "invalid")
    return _BY_CODE[code](f"the server answered with status {status}")
