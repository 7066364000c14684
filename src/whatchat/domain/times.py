"""Time: aware UTC inside, RFC 3339 with milliseconds on the wire."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

from msgspec import Meta

Clock = Callable[[], datetime]

Timestamp = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
"""RFC 3339, UTC, milliseconds: ``2026-01-31T12:00:00.000Z``."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc_now() -> datetime:
    """Now, truncated to the millisecond that the wire can carry."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def timestamp(moment: datetime) -> Timestamp:
    """``moment`` as the wire writes it."""
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"


def to_millis(moment: datetime) -> int:
    """Milliseconds since 1970, as the stores keep time."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def from_millis(millis: int) -> datetime:
    """The inverse of :func:`to_millis`."""
    return EPOCH + timedelta(milliseconds=millis)
