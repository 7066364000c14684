"""Packets: strict on the way in, encoded once on the way out."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from whatchat.domain.signals import SessionResync
from whatchat.realtime.codec import (
    Assembler,
    Kind,
    MalformedPacket,
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
    '50-["e"]': Packet(Kind.BINARY_EVENT, "/", None, ["e"]),
    '51-7["e",{"a":{"_placeholder":true,"num":0}}]': Packet(
        Kind.BINARY_EVENT, "/", 7, ["e", {"a": b""}], 1
    ),
}


@pytest.mark.parametrize("text", GOOD)
def test_well_formed_packets_are_parsed(text: str) -> None:
    assert decode(text) == GOOD[text]


BAD = [
    "", "x", "7", "2", "2{}", "2[]", "2[1]", '2"e"', '2["e"', "2-1[]", '21-["e"]', '5["e"]',
    '511-["e"]', '5-["e"]', "3[]", "37", "37{}", "0[]", '07{"a":1}', "1{}", "17", '4{"a":1}',
    '2/admin["e"]', '2/adm,in,["e"]', '2\u0661["e"]', '21234567890123456["e"]', '2["\\ud800"]',
    "2" + "[" * 100_000, "0NaN", "0" + "9" * 5000, '2["e",' + "9" * 5000 + "]",
    "5" + '1-["e",' + "[" * 50 + "]" * 50 + "]", "2 ", '2/' + "x" * 200 + ',["e"]',
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


def test_attachments_are_awaited_and_not_kept() -> None:
    assembler = Assembler()
    assert assembler.take('52-["e",{"_placeholder":true,"num":0}]') is None
    assert assembler.take(None) is None
    packet = assembler.take(None)
    assert packet
    assert packet.items == ["e", b""]
    with pytest.raises(MalformedPacket):
        assembler.take(None)


def test_text_in_place_of_an_attachment_is_malformed() -> None:
    assembler = Assembler()
    assembler.take('51-["e"]')
    with pytest.raises(MalformedPacket):
        assembler.take('2["e"]')


def test_frames_are_engine_packets_and_know_their_size() -> None:
    payload = json.dumps({"text": "é"}, ensure_ascii=False).encode()
    frames = {
        event_frame("e", payload): '42["e",{"text": "é"}]',
        success_frame(7, payload): '437[{"ok":true,"data":{"text": "é"}}]',
        failure_frame(7, payload): '437[{"ok":false,"error":{"text": "é"}}]',
        frame_of(SessionResync(reason="r")): '42["session:resync",{"reason":"r"}]',
    }
    for frame, text in frames.items():
        assert frame.text == text
        assert frame.size == len(text.encode())
