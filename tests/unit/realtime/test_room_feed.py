"""A room's announcements go out in rev order, each once, whatever order they come in."""

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.realtime.parts import ROOM, announced, entering, leaving
from whatchat.domain.audience import Announcement, ToUser
from whatchat.domain.ids import UserId
from whatchat.realtime.room_feed import REMEMBERED, RoomFeed


def begun(head: int = 0) -> RoomFeed:
    feed = RoomFeed()
    feed.start(head)
    return feed


def revs(announcements: list[Announcement]) -> list[int]:
    return [announcement.rev for announcement in announcements]


def to_user(rev: int, user_id: str = "ada", event: str = "hidden") -> Announcement:
    return announced(rev, ToUser(user_id=UserId(user_id)), event=event)


@given(st.permutations(range(1, 21)), st.lists(st.integers(1, 20), max_size=20), st.data())
def test_any_order_of_arrival_goes_out_in_order_and_once(
    arrivals: list[int], repeated: list[int], data: st.DataObject
) -> None:
    for rev in repeated:
        arrivals.insert(data.draw(st.integers(0, len(arrivals))), rev)
    feed, out = begun(), []
    for rev in arrivals:
        out += feed.take(announced(rev))
    assert revs(out) == list(range(1, 21))
    assert not feed.hole


@given(st.permutations(range(1, 21)), st.integers(0, 20), st.integers(0, 20))
def test_what_comes_before_the_start_is_held_and_goes_out_above_it(
    arrivals: list[int], head: int, started_after: int
) -> None:
    feed, out = RoomFeed(), []
    for index, rev in enumerate(arrivals):
        if index == started_after:
            out += feed.start(head)
        out += feed.take(announced(rev))
    out += feed.start(head)
    assert revs(out) == list(range(head + 1, 21))


@given(st.permutations(range(1, 21)), st.sets(st.integers(1, 20)), st.integers(0, 20))
def test_what_was_lost_comes_from_the_store(
    arrivals: list[int], lost: set[int], filled_after: int
) -> None:
    feed, out = begun(), []
    feed.reach(20)
    for index, rev in enumerate(rev for rev in arrivals if rev not in lost):
        if index == filled_after:
            out += feed.fill(announced(rev) for rev in range(feed.position + 1, 21))
        out += feed.take(announced(rev))
    if feed.hole:
        out += feed.fill(announced(rev) for rev in range(feed.position + 1, 21))
    assert revs(out) == list(range(1, 21))
    assert not feed.hole


def test_announcements_of_one_rev_keep_their_order_and_are_told_apart() -> None:
    feed = begun(4)
    first, second = announced(5), announced(5, event="room:updated")
    assert feed.take(first) == [first]
    assert feed.take(second) == [second]
    assert feed.take(first) == []
    assert feed.take(second) == []
    assert feed.take(announced(6)) == [announced(6)]


def test_siblings_behind_a_hole_go_out_with_their_rev() -> None:
    feed = begun(4)
    assert feed.take(entering(6, "ada")) == []
    assert feed.take(announced(6)) == []
    assert feed.take(announced(7)) == []
    assert feed.hole
    assert feed.take(announced(5)) == [announced(5), entering(6, "ada"), announced(6), announced(7)]
    assert not feed.hole


def test_what_one_user_hears_does_not_take_the_rev() -> None:
    feed = begun(4)
    assert feed.take(to_user(5)) == [to_user(5)]
    assert feed.position == 4
    assert feed.take(to_user(5)) == []
    assert feed.take(announced(5)) == [announced(5)]
    assert feed.position == 5


def test_a_rev_that_only_users_heard_of_is_settled_by_the_store() -> None:
    feed = begun(4)
    feed.take(to_user(5))
    assert feed.take(announced(6)) == []
    assert feed.hole
    assert feed.fill([to_user(5), to_user(5, "bob")]) == [to_user(5, "bob"), announced(6)]
    assert feed.position == 6


def test_revs_that_the_store_announces_nothing_for_count_as_out() -> None:
    feed = begun(4)
    feed.take(announced(9))
    assert feed.fill([announced(6), announced(8)]) == [announced(6), announced(8), announced(9)]


def test_entering_and_leaving_pass_again_since_memberships_are_kept_elsewhere() -> None:
    feed = begun(9)
    assert feed.take(entering(3, "ada")) == [entering(3, "ada")]
    assert feed.take(leaving(3, "ada")) == [leaving(3, "ada")]
    assert feed.take(to_user(3)) == []
    assert feed.position == 9


def test_repetitions_are_known_beyond_what_is_remembered() -> None:
    feed = begun()
    for rev in range(1, REMEMBERED * 3):
        assert revs(feed.take(announced(rev))) == [rev]
    for rev in range(1, REMEMBERED * 3):
        assert feed.take(announced(rev)) == []
        assert feed.take(to_user(rev)) == [to_user(rev)] * (rev > REMEMBERED * 2 - 1)


def test_a_head_that_was_read_is_a_hole_until_it_is_reached() -> None:
    feed = begun(4)
    feed.reach(6)
    assert feed.hole
    assert feed.start(7) == []
    assert revs(feed.take(announced(5)) + feed.take(announced(6))) == [5, 6]
    assert feed.hole
    assert revs(feed.take(announced(7))) == [7]
    assert not feed.hole


def test_what_is_held_is_bounded_and_the_rest_is_left_to_the_store() -> None:
    feed = RoomFeed(max_held=10)
    feed.start(0)
    for rev in range(2, 50):
        assert feed.take(announced(rev)) == []
    assert revs(feed.take(announced(1))) == list(range(1, 12))
    assert feed.hole
    assert revs(feed.fill(announced(rev) for rev in range(12, 50))) == list(range(12, 50))
    assert not feed.hole


def test_a_hole_given_up_goes_on_behind_it() -> None:
    feed = begun(4)
    feed.take(announced(8))
    assert revs(feed.skip()) == [8]
    feed.reach(12)
    assert feed.skip() == []
    assert (feed.position, feed.hole) == (12, False)
    assert feed.take(announced(10, room=ROOM)) == []
