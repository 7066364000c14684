"""Which starts and stops are told: fixed cases, then whatever people and clocks may do."""

from collections import Counter

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from whatchat.domain.ids import RoomId, UserId
from whatchat.features.typing.board import (
    REPEAT_SECONDS,
    ROOM_STARTS_A_SECOND,
    STARTS_AT_ONCE,
    TYPING_SECONDS,
    TypingBoard,
    Typist,
)

ROOM = RoomId("room")
ADA = Typist(ROOM, UserId("ada"))


@pytest.fixture
def board() -> TypingBoard:
    return TypingBoard()


def test_a_start_and_its_stop_are_told_once(board: TypingBoard) -> None:
    assert board.start(ADA, 0)
    assert not board.start(ADA, 0.1)
    assert board.stop(ADA)
    assert not board.stop(ADA)


def test_a_stop_without_a_start_is_told_to_nobody(board: TypingBoard) -> None:
    assert not board.stop(ADA)
    assert not board.end(ADA)
    assert board.over(100) == []


def test_typing_is_over_six_seconds_after_it_was_last_said(board: TypingBoard) -> None:
    board.start(ADA, 0)
    assert not board.start(ADA, 2)
    assert board.next_due() == 2 + TYPING_SECONDS
    assert board.over(2 + TYPING_SECONDS - 0.01) == []
    assert board.over(2 + TYPING_SECONDS) == [ADA]
    assert board.is_over(ADA)
    assert board.stop(ADA)
    assert board.over(2 + TYPING_SECONDS) == []
    assert board.next_due() is None
    assert len(board) == 0


def test_going_on_is_told_again_after_a_while(board: TypingBoard) -> None:
    assert board.start(ADA, 0)
    assert not board.start(ADA, REPEAT_SECONDS - 0.01)
    assert board.start(ADA, REPEAT_SECONDS)


def test_stopping_and_starting_is_told_and_not_for_ever(board: TypingBoard) -> None:
    told = []
    for turn in range(10):
        told.append(board.start(ADA, turn / 100))
        assert board.stop(ADA) is told[-1]
    assert told == [True] * STARTS_AT_ONCE + [False] * (10 - STARTS_AT_ONCE)
    assert board.start(ADA, 1 + REPEAT_SECONDS)


def test_what_has_ended_and_begins_again_before_that_is_told_goes_on(board: TypingBoard) -> None:
    board.start(ADA, 0)
    assert board.end(ADA)
    assert board.over(0) == [ADA]
    assert board.start(ADA, 0.1), "it is another beginning"
    assert not board.is_over(ADA)
    assert board.over(0.1) == []


def test_a_room_is_told_so_many_starts_a_second_whoever_types(board: TypingBoard) -> None:
    told = []
    for number in range(ROOM_STARTS_A_SECOND + 5):
        typist = Typist(ROOM, UserId(f"user-{number}"))
        told.append(board.start(typist, 0.5))
        if told[-1]:
            board.hear(ROOM, 0.5)
        assert board.stop(typist) is told[-1], "what nobody heard the start of needs no stop"
    assert Counter(told) == {True: ROOM_STARTS_A_SECOND, False: 5}
    assert board.start(Typist(RoomId("other"), ADA.user_id), 0.5)
    assert board.start(ADA, 1.0)


def test_what_other_pods_tell_a_room_counts(board: TypingBoard) -> None:
    for _ in range(ROOM_STARTS_A_SECOND):
        board.hear(ROOM, 7.0)
    assert not board.start(ADA, 7.9)
    assert board.start(ADA, 8.0), "who goes on is told of as soon as there is room"


def test_who_leaves_stops_typing_everywhere_and_others_do_not(board: TypingBoard) -> None:
    other, bob = Typist(RoomId("other"), ADA.user_id), Typist(ROOM, UserId("bob"))
    for typist in (ADA, other, bob):
        board.start(typist, 0)
    assert board.end_all(ADA.user_id)
    assert set(board.over(0)) == {ADA, other}
    assert not board.end_all(UserId("nobody"))


def test_so_many_are_kept_and_no_more() -> None:
    board = TypingBoard(max_typists=2)
    typists = [Typist(ROOM, UserId(f"user-{number}")) for number in range(3)]
    assert [board.start(typist, 0) for typist in typists] == [True, True, False]
    assert not board.start(typists[2], 1)
    assert not board.stop(typists[2])
    assert len(board) == 2
    for typist in board.over(TYPING_SECONDS):
        board.stop(typist)
    board.over(TYPING_SECONDS)
    assert board.start(typists[2], TYPING_SECONDS)


TYPISTS = st.builds(
    Typist,
    st.sampled_from([ROOM, RoomId("other")]),
    st.sampled_from([UserId(f"user-{number}") for number in range(15)]),
)


class Typing(RuleBasedStateMachine):
    """A board, and what others believe who hear all that is told."""

    @initialize(now=st.integers(0, 3))
    def begin(self, now: int) -> None:
        self.board = TypingBoard(max_typists=20)
        self.now = float(now)
        self.said: dict[Typist, float] = {}
        self.believed: dict[Typist, float] = {}
        self.told: list[tuple[float, Typist]] = []

    @rule(typist=TYPISTS)
    def start(self, typist: Typist) -> None:
        believed = typist in self.believed and not self.board.is_over(typist)
        if self.board.start(typist, self.now):
            if believed:
                assert self.now - self.believed[typist] >= REPEAT_SECONDS
            self.board.hear(typist.room_id, self.now)
            self.believed[typist] = self.now
            self.told.append((self.now, typist))
        self.said[typist] = self.now

    @rule(typist=TYPISTS)
    def stop(self, typist: Typist) -> None:
        self._stopped(typist)

    @rule(typist=TYPISTS)
    def write(self, typist: Typist) -> None:
        assert self.board.end(typist) is (typist in self.believed)

    @rule(typist=TYPISTS)
    def leave(self, typist: Typist) -> None:
        theirs = {one for one in self.believed if one.user_id == typist.user_id}
        assert self.board.end_all(typist.user_id) is bool(theirs)
        assert all(map(self.board.is_over, theirs))

    @rule(seconds=st.sampled_from([0.05, 0.4, 1.0, 2.5, 6.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def tell_what_is_over(self) -> None:
        over = self.board.over(self.now)
        assert len(over) == len(set(over))
        for typist in over:
            assert typist in self.believed
            self._stopped(typist)
        late = [one for one in self.believed if self.now - self.said[one] >= TYPING_SECONDS]
        assert late == []
        assert self.board.over(self.now) == []
        due = self.board.next_due()
        assert due is None or due > self.now

    @invariant()
    def nothing_is_believed_that_will_not_be_ended(self) -> None:
        if self.believed:
            assert self.board.next_due() is not None
        assert len(self.board) <= 20

    @invariant()
    def no_room_is_told_too_much(self) -> None:
        seconds = Counter((int(at), typist.room_id) for at, typist in self.told)
        assert all(number <= ROOM_STARTS_A_SECOND for number in seconds.values())

    def _stopped(self, typist: Typist) -> None:
        assert self.board.stop(typist) is (self.believed.pop(typist, None) is not None)


TestTyping = Typing.TestCase
