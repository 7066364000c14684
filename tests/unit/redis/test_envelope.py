"""How announcements travel."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatchat.adapters.redis.envelope import VERSION, BadEnvelope, Sealer, unseal
from whatchat.domain.audience import Announcement, InRoom, ToUser
from whatchat.domain.ids import RoomId, Seq, SessionId, UserId

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
    assert unseal(Sealer().seal(announcement)) == announcement


def test_a_sealer_knows_its_own() -> None:
    sealer, other = Sealer(), Sealer()
    assert sealer.is_own(sealer.seal(IN_ROOM))
    assert not other.is_own(sealer.seal(IN_ROOM))


def test_fields_of_a_later_version_are_ignored_and_missing_ones_have_defaults() -> None:
    body = msgspec.to_builtins(IN_ROOM, builtin_types=(bytes,))
    assert isinstance(body, dict)
    del body["rev"]
    body["later"] = {"more": 1}
    envelope = VERSION + bytes(8) + msgspec.msgpack.encode(body)
    assert unseal(envelope) == msgspec.structs.replace(IN_ROOM, rev=0)


def test_another_version_is_refused() -> None:
    with pytest.raises(BadEnvelope, match="version"):
        unseal(b"\x02" + Sealer().seal(IN_ROOM)[1:])


@given(st.binary(max_size=200))
def test_whatever_else_arrives_is_refused_and_nothing_worse(noise: bytes) -> None:
    for envelope in (noise, VERSION + noise):
        with pytest.raises(BadEnvelope):
            unseal(envelope)
