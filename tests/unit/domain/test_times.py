from datetime import UTC, datetime

from whatchat.domain.times import from_millis, timestamp, to_millis, utc_now


def test_a_timestamp_is_rfc_3339_in_utc_with_milliseconds() -> None:
    assert timestamp(datetime(2026, 1, 31, 12, tzinfo=UTC)) == "2026-01-31T12:00:00.000Z"
    moment = datetime(2026, 1, 31, 12, 0, 0, 7000, tzinfo=UTC)
    assert timestamp(moment) == "2026-01-31T12:00:00.007Z"


def test_now_survives_the_store() -> None:
    now = utc_now()
    assert from_millis(to_millis(now)) == now
