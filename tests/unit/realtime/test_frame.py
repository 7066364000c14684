"""What is sent, down to the bytes."""

import pytest

from whatchat.realtime.frame import (
    PONG,
    TEXT,
    binary_frame,
    close_frame,
    encode,
    frame,
    plain_frame,
)

HEADERS = {
    0: b"\x81\x00",
    125: b"\x81\x7d",
    126: b"\x81\x7e\x00\x7e",
    65_535: b"\x81\x7e\xff\xff",
    65_536: b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00",
}


@pytest.mark.parametrize("size", HEADERS)
def test_lengths_take_as_few_bytes_as_they_can(size: int) -> None:
    payload = b"x" * size
    assert encode(TEXT, payload) == HEADERS[size] + payload
    assert frame(payload).text == payload.decode()


def test_text_is_sent_in_utf_8() -> None:
    assert plain_frame("4é") == (b"\x81\x034\xc3\xa9", 2)
    assert plain_frame("4é").text == "4é"
    assert not plain_frame("4é").is_binary


def test_a_binary_message_is_base64_where_it_is_polled() -> None:
    message = binary_frame(b"\x00\xff")
    assert message.wire == b"\x82\x02\x00\xff"
    assert message.is_binary
    assert message.text == "bAP8="


def test_control_frames() -> None:
    assert close_frame(4408) == b"\x88\x02\x11\x38"
    assert encode(PONG, b"hi") == b"\x8a\x02hi"
