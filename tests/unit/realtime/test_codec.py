"""Packets: strict on the way in, encoded once on the way out."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from whatchat.domain.signals import SessionResync
from whatchat.realtime.codec import (
    Assembly,
    Kind,
    MalformedPacket,
    OversizedPacket,
    Packet,
    decode,
    event_frame,
    failure_frame,
    frame_of,
    success_frame,
)

GOOD = {
    "0": Packet(Kind.CONNECT, "/", None, None),
    '0{"token":"t"}': Packet(Kind.CONNECT, "/", None, {"token": "t"}),
    "0/admin": Packet(Kind.CONNECT, "/admin", None, None),
    "0/admin,": Packet(Kind.CONNECT, "/admin", None, None),
    '0/admin?x=1,{"a":1}': Packet(Kind.CONNECT, "/admin", None, {"a": 1}),
    "1": Packet(Kind.DISCONNECT, "/", None, None),
    "1/admin,": Packet(Kind.DISCONNECT, "/admin", None, None),
    '2["e"]': Packet(Kind.EVENT, "/", None, ["e"]),
    '212["e",{"a":[1.5,null]}]': Packet(Kind.EVENT, "/", 12, ["e", {"a": [1.5, None]}]),
    '2/admin,7["e"]': Packet(Kind.EVENT, "/admin", 7, ["e"]),
    "37[]": Packet(Kind.ACK, "/", 7, []),
    '51-7["e",{"a":{"_placeholder":true,"num":0}}]': Packet(
        Kind.BINARY_EVENT, "/", 7, ["e", {"a": {"_placeholder": True, "num": 0}}], 1
    ),
    "61-7[1]": Packet(Kind.BINARY_ACK, "/", 7, [1], 1),
}


@pytest.mark.parametrize("text", GOOD)
def test_well_formed_packets_are_parsed(text: str) -> None:
    assert decode(text) == GOOD[text]


BAD = [
    "", "x", "7", "2", "2{}", "2[]", "2[1]", '2"e"', '2["e"', "2-1[]", '21-["e"]', '5["e"]',
    '511-["e"]', '5-["e"]', "3[]", "37", "37{}", "0[]", '07{"a":1}', "1{}", "17", '4{"a":1}',
    '2/admin["e"]', '2/adm,in,["e"]', '2\u0661["e"]', '21234567890123456["e"]', '2["\\ud800"]',
    "2" + "[" * 100_000, "0NaN", "0" + "9" * 5000, '2["e",' + "9" * 5000 + "]",
    '50-["e"]', '51["e"]', "2null", "2[null]", '2-7["e"]', "2 ", '2/' + "x" * 200 + ',["e"]',
]  # fmt: skip


@pytest.mark.parametrize("text", BAD, ids=lambda text: repr(text)[:40])
def test_everything_else_is_malformed(text: str) -> None:
    with pytest.raises(MalformedPacket):
        decode(text)


@given(st.text())
@example("2[\udc00]")
def test_nothing_but_malformed_is_ever_raised(text: str) -> None:
    for prefix in ("", "2", '2["', "51-", "0{"):
        try:
            decode(prefix + text)
        except MalformedPacket:
            continue


def test_what_nobody_may_send_is_left_to_the_command_to_refuse() -> None:
    packet = decode('27["e",{"a":NaN,"b":"\\ud800"}]')
    assert packet.ack_id == 7
    name, fields = packet.items
    assert name == "e"
    assert isinstance(fields, dict)
    assert fields["a"] != fields["a"]
    assert fields["b"] == "\ud800"


def assembly(text: str, max_bytes: int = 100) -> Assembly:
    packet = decode(text)
    assert packet.attachments
    return Assembly(packet, max_bytes)


def test_attachments_come_where_their_placeholders_are() -> None:
    waiting = assembly(
        '52-7["e",{"_placeholder":true,"num":1},[{"a":{"_placeholder":true,"num":0}}]]'
    )
    assert waiting.add(b"first") is None
    packet = waiting.add(b"second")
    assert packet
    assert packet.ack_id == 7
    assert packet.items == ["e", b"second", [{"a": b"first"}]]


def test_attachments_that_nothing_stands_for_are_awaited_all_the_same() -> None:
    waiting = assembly('52-["e"]')
    assert waiting.add(b"1") is None
    packet = waiting.add(b"2")
    assert packet
    assert packet.items == ["e"]


def test_what_looks_like_a_placeholder_in_a_plain_event_is_data() -> None:
    assert decode('2["e",{"_placeholder":true,"num":0}]').items == [
        "e",
        {"_placeholder": True, "num": 0},
    ]


@pytest.mark.parametrize("number", ["1", "-1", "null", '"0"', "0.0", "99999999999999999999"])
def test_a_placeholder_for_no_attachment_is_malformed(number: str) -> None:
    waiting = assembly(f'51-["e",{{"_placeholder":true,"num":{number}}}]')
    with pytest.raises(MalformedPacket):
        waiting.add(b"only")


def test_an_attachment_nested_too_deeply_is_malformed() -> None:
    waiting = assembly('51-["e",' + "[" * 50 + "]" * 50 + "]")
    with pytest.raises(MalformedPacket):
        waiting.add(b"")


def test_a_packet_may_be_as_large_with_its_attachments_as_it_may_be_at_all() -> None:
    waiting = assembly('52-["e"]', 10)
    assert waiting.add(b"12345") is None
    assert waiting.add(b"67890")
    with pytest.raises(OversizedPacket):
        assembly('52-["e"]', 10).add(b"12345678901")
    waiting = assembly('53-["e"]', 10)
    waiting.add(b"123456")
    with pytest.raises(OversizedPacket):
        waiting.add(b"78901")


def test_frames_are_engine_packets_down_to_the_wire() -> None:
    payload = json.dumps({"text": "é"}, ensure_ascii=False).encode()
    frames = {
        event_frame("e", payload): '42["e",{"text": "é"}]',
        success_frame(7, payload): '437[{"ok":true,"data":{"text": "é"}}]',
        failure_frame(7, payload): '437[{"ok":false,"error":{"text": "é"}}]',
        frame_of(SessionResync(reason="r")): '42["session:resync",{"reason":"r"}]',
    }
    for frame, text in frames.items():
        assert frame.text == text
        assert frame.wire == bytes((0x81, len(text.encode()))) + text.encode()
