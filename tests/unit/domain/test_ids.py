import string

from hypothesis import given
from hypothesis import strategies as st

from whatchat.domain.ids import (
    MAX_REV,
    MessageId,
    RoomId,
    Seq,
    derived_room_id,
    locate,
    message_id,
    random_id,
)

ALPHABET = set(string.ascii_letters + string.digits + "_-")


@given(st.integers(1, MAX_REV))
def test_a_message_id_leads_back_to_its_room_and_seq(seq: int) -> None:
    room_id = RoomId(random_id())
    identifier = message_id(room_id, Seq(seq))
    assert locate(identifier) == (room_id, seq)
    assert len(identifier) <= 32
    assert set(identifier) <= ALPHABET


@given(st.text(alphabet=sorted(ALPHABET), max_size=32))
def test_whatever_else_looks_like_an_id_names_one_message_or_none(text: str) -> None:
    found = locate(MessageId(text))
    if found:
        assert message_id(*found) == text


def test_a_derived_id_depends_on_every_part_and_on_the_key() -> None:
    ids = {
        derived_room_id(b"k" * 32, "direct", "a", "b"),
        derived_room_id(b"k" * 32, "direct", "ab", ""),
        derived_room_id(b"k" * 32, "group", "a", "b"),
        derived_room_id(b"x" * 32, "direct", "a", "b"),
    }
    assert len(ids) == 4
    assert {len(room_id) for room_id in ids} == {22}
