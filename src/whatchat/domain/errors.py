"""What can go wrong, as the contract names it. Transport status lives in the entry points."""

from typing import ClassVar, Literal

from msgspec import UNSET, Struct, UnsetType

ErrorCode = Literal[
    "invalid",
    "unauthenticated",
    "forbidden",
    "not_found",
    "conflict",
    "too_large",
    "rate_limited",
    "plaintext_refused",
    "unavailable",
]


class ErrorBody(Struct, frozen=True, kw_only=True, rename="camel"):
    """An error as a client sees it."""

    code: ErrorCode
    message: str
    retryable: bool
    retry_after_ms: int | UnsetType = UNSET
    field: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    event: str | UnsetType = UNSET


class ChatError(Exception):
    """Base of every error that a client is told about; ``code`` is stable for ever."""

    code: ClassVar[ErrorCode]
    retryable: ClassVar[bool] = False
    message: ClassVar[str]

    def __init__(
        self,
        message: str | None = None,
        *,
        field: str | None = None,
        reason: str | None = None,
        retry_after_ms: int | None = None,
    ) -> None:
        self.text = message or self.message
        self.field = field
        self.reason = reason
        self.retry_after_ms = retry_after_ms
        super().__init__(self.text)

    def body(self, event: str | None = None) -> ErrorBody:
        """The wire form; ``event`` names the failed command where no ack can."""
        return ErrorBody(
            code=self.code,
            message=self.text,
            retryable=self.retryable,
            retry_after_ms=UNSET if self.retry_after_ms is None else self.retry_after_ms,
            field=self.field or UNSET,
            reason=self.reason or UNSET,
            event=event or UNSET,
        )


class Invalid(ChatError):
    """A field is missing, unknown, of the wrong type or out of bounds; ``field`` names it."""

    code = "invalid"
    message = "the request is not valid"


class Unparsable(Invalid):
    """The body is not JSON at all."""

    message = "the body is not valid JSON"


class Unauthenticated(ChatError):
    """No, bad, revoked or expired credentials: one text for all of them."""

    code = "unauthenticated"
    message = "authentication required"


class Forbidden(ChatError):
    """Authenticated, but not allowed."""

    code = "forbidden"
    message = "not allowed"


class NotFound(ChatError):
    """Unknown, or not visible to this user: one answer for both."""

    code = "not_found"
    message = "not found"


class Conflict(ChatError):
    """The same ``clientId`` with another body, a name that is taken, or a rule of state."""

    code = "conflict"
    message = "conflicts with what is there"


class TooLarge(ChatError):
    """The body is over the packet limit."""

    code = "too_large"
    message = "the body is too large"


class RateLimited(ChatError):
    """Too much in too short a time; ``retryAfterMs`` says how long to wait."""

    code = "rate_limited"
    retryable = True
    message = "too many requests"


class PlaintextRefused(ChatError):
    """Plaintext for an encrypted room."""

    code = "plaintext_refused"
    message = "this room takes encrypted messages only"


class Unavailable(ChatError):
    """A dependency is down or slow; the outcome is unknown: repeat with the same ``clientId``."""

    code = "unavailable"
    retryable = True
    message = "temporarily unavailable; repeat with the same clientId"
