"""The canonical form and the digests: what is here must never change."""

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatchat.audit.chain import GENESIS, canonical, chained, digest_of
from whatchat.domain.audit import SERVER, Act, Party, Record
from whatchat.domain.ids import DeviceId, MessageId, RoomId, UserId
from whatchat.domain.ports.audit_store import Pending

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)

FULL = Record(
    id="r-1",
    at=NOON + timedelta(milliseconds=7),
    pod="pod-ä",
    actor=Party(
        role="user", user_id=UserId("ada"), device_id=DeviceId("phone"), address="2001:db8::1"
    ),
    act=Act(
        kind="message.removed",
        outcome="forbidden",
        user_id=UserId("bob"),
        device_id=DeviceId("tablet"),
        room_id=RoomId("room"),
        message_id=MessageId("message"),
        report_id="report",
        detail='"\\/\b\f\n\r\t\x00\x1f\x7f<é€\U0001f600\u2028',
        count=3,
    ),
    trace_id="0af7651916cd43dd8448eb211c80319c",
)

GOLDEN = (
    '{"act":{"count":3,"detail":"\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f<é€\U0001f600\u2028",'
    '"deviceId":"tablet","kind":"message.removed","messageId":"message","outcome":"forbidden",'
    '"reportId":"report","roomId":"room","userId":"bob"},'
    '"actor":{"address":"2001:db8::1","deviceId":"phone","role":"user","userId":"ada"},'
    '"at":"2026-01-31T12:00:00.007Z","id":"r-1","pod":"pod-ä",'
    '"traceId":"0af7651916cd43dd8448eb211c80319c","v":1}'
).encode()

SHORTEST = Record(id="r-2", at=NOON, pod="pod", actor=SERVER, act=Act(kind="sign_in"))

GOLDEN_SHORTEST = (
    b'{"act":{"kind":"sign_in"},"actor":{"role":"server"},'
    b'"at":"2026-01-31T12:00:00.000Z","id":"r-2","pod":"pod","v":1}'
)

GOLDEN_DIGESTS = (
    "d10a44477c543eca009e4b9cd56c8bfc93d597bbc3288ebe7ea6cc39c6cbf0c7",
    "e95d08c74be528d06b9093d8b0d7d27c07186acd87c774f819f42f774bef903e",
)


def test_the_canonical_bytes_are_these() -> None:
    assert canonical(FULL) == GOLDEN
    assert canonical(SHORTEST) == GOLDEN_SHORTEST


def test_the_digests_are_these() -> None:
    first, second = chained(
        [
            Pending(record_id="r-2", body=GOLDEN_SHORTEST),
            Pending(record_id="r-1", body=GOLDEN),
        ],
        None,
    )
    label = b"whatchat audit record v1\0"
    assert first.previous == GENESIS == bytes(32)
    by_hand = hashlib.sha256(label + b"\0" * 7 + b"\1" + bytes(32) + GOLDEN_SHORTEST).digest()
    assert first.digest == by_hand
    assert second.previous == by_hand
    by_hand = hashlib.sha256(label + b"\0" * 7 + b"\2" + by_hand + GOLDEN).digest()
    assert second.digest == by_hand
    assert (first.digest.hex(), second.digest.hex()) == GOLDEN_DIGESTS


@given(st.text(st.characters(codec="utf-8")))
def test_text_is_written_as_the_rfc_has_it(text: str) -> None:
    """Python's own encoder, told so, escapes as RFC 8785 does (section 3.2.2.2)."""
    record = Record(id="r", at=NOON, pod=text, actor=SERVER, act=Act(kind="sign_in", detail=text))
    fields = json.loads(canonical(record))
    by_the_rfc = json.dumps(fields, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    assert canonical(record) == by_the_rfc.encode()
    assert fields["pod"] == fields["act"]["detail"] == text


def test_time_is_told_in_utc() -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5)))
    record = Record(id="r", at=elsewhere, pod="pod", actor=SERVER, act=Act(kind="sign_in"))
    assert json.loads(canonical(record))["at"] == "2026-01-31T12:00:00.000Z"


def test_a_chain_goes_on_from_its_end() -> None:
    records = [Pending(record_id=f"r-{number}", body=b"%d" % number) for number in range(7)]
    whole = chained(records, None)
    begun = chained(records[:3], None)
    assert begun + chained(records[3:], begun[-1]) == whole
    assert [one.seq for one in whole] == list(range(1, 8))
    assert chained([], whole[-1]) == []


@pytest.mark.parametrize(
    "other",
    [digest_of(2, GENESIS, b"ab"), digest_of(1, b"a" * 32, b"ab"), digest_of(1, GENESIS, b"a")],
)
def test_a_digest_is_of_place_predecessor_and_body(other: bytes) -> None:
    assert other != digest_of(1, GENESIS, b"ab")
