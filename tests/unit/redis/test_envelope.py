"""How announcements travel."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatchat.adapters.redis.envelope import VERSION, BadEnvelope, Sealer
from whatchat.domain.audience import Announcement, InRoom, ToUser
from whatchat.domain.ids import RoomId, Seq, SessionId, UserId

SECRET = b"the store's"
ROOM = RoomId("room")
IN_ROOM = Announcement(
    audience=InRoom(room_id=ROOM, seq=Seq(2**53 - 1), except_session=SessionId("session")),
    event="message:new",
    payload=b'{"text":"\xc3\xa9"}',
    room_id=ROOM,
    rev=7,
)
TO_USER = Announcement(
    audience=ToUser(user_id=UserId("ada"), enters=ROOM, joined_seq=Seq(3)),
    event="room:created",
    payload=b"",
)


@pytest.mark.parametrize("announcement", [IN_ROOM, TO_USER])
def test_what_is_sealed_is_unsealed_as_it_was(announcement: Announcement) -> None:
    assert Sealer(SECRET).open(Sealer(SECRET).seal(announcement)) == announcement


def test_a_sealer_knows_its_own() -> None:
    sealer, other = Sealer(SECRET), Sealer(SECRET)
    assert sealer.is_own(sealer.seal(IN_ROOM))
    assert not other.is_own(sealer.seal(IN_ROOM))


def test_fields_of_a_later_version_are_ignored_and_missing_ones_have_defaults() -> None:
    body = msgspec.to_builtins(IN_ROOM, builtin_types=(bytes,))
    assert isinstance(body, dict)
    del body["rev"]
    body["later"] = {"more": 1}
    encoded = msgspec.msgpack.encode(body)
    sealer = Sealer(SECRET)
    envelope = VERSION + bytes(8) + sealer._tag(encoded) + encoded
    assert sealer.open(envelope) == msgspec.structs.replace(IN_ROOM, rev=0)


def test_another_version_is_refused() -> None:
    with pytest.raises(BadEnvelope, match="version"):
        Sealer(SECRET).open(b"\x01" + Sealer(SECRET).seal(IN_ROOM)[1:])


def test_what_another_secret_sealed_is_refused() -> None:
    with pytest.raises(BadEnvelope, match="not from one of us"):
        Sealer(SECRET).open(Sealer(b"another's").seal(IN_ROOM))


@pytest.mark.parametrize("where", range(9, 60))
def test_what_was_changed_on_its_way_is_refused(where: int) -> None:
    envelope = bytearray(Sealer(SECRET).seal(IN_ROOM))
    envelope[where] ^= 1
    with pytest.raises(BadEnvelope, match="not from one of us"):
        Sealer(SECRET).open(bytes(envelope))


@given(st.binary(max_size=200))
def test_whatever_else_arrives_is_refused_and_nothing_worse(noise: bytes) -> None:
    for envelope in (noise, VERSION + noise):
        with pytest.raises(BadEnvelope):
            Sealer(SECRET).open(envelope)
