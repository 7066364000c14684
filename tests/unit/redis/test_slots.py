"""Where a cluster keeps what."""

import pytest

from whatchat.adapters.redis.slots import owners, slot_of


@pytest.mark.parametrize(
    ("key", "slot"),
    [
        # From the cluster's specification, and CLUSTER KEYSLOT of a server.
        (b"123456789", 12739),
        (b"foo", 12182),
        (b"{user1000}.following", 3443),
        (b"{user1000}.followers", 3443),
        (b"foo{}{bar}", 8363),
        (b"foo{{bar}}zap", 4015),
        (b"foo{bar}{zap}", 5061),
    ],
)
def test_slots_are_the_ones_of_the_specification(key: bytes, slot: int) -> None:
    assert slot_of(key) == slot


def test_each_slot_belongs_to_its_master() -> None:
    answer = [
        [0, 1, [b"10.0.0.1", 7000, b"id-1"], [b"10.0.0.2", 7001, b"id-2"]],
        [5, 5, [None, 7002, b"id-3"]],
    ]
    assert owners(answer, ("asked", 1)) == {
        0: ("10.0.0.1", 7000),
        1: ("10.0.0.1", 7000),
        5: ("asked", 7002),
    }
