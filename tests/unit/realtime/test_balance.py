"""Which pod has too many sockets, how many it sends away, and that this comes to an end."""

import random
from collections import deque
from collections.abc import Callable

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from whatchat.domain.ports.fleet import PodLoad
from whatchat.realtime.balance import (
    ABSENCE_SECONDS,
    CALM_SECONDS,
    HOT,
    LEAST,
    LEVEL,
    PATIENCE,
    REST_SECONDS,
    ROUND_SECONDS,
    UNSEEN_SECONDS,
    WINDOW_SECONDS,
    Balance,
)

PER_MINUTE = 600
A_ROUND = 50
TOLD_SECONDS = 3


def load(pod: int, sockets: int, *, ready: bool = True, draining: bool = False) -> PodLoad:
    return PodLoad(pod=f"pod-{pod}", sockets=sockets, ready=ready, draining=draining)


def calm(mine: PodLoad, *others: PodLoad, per_minute: int = PER_MINUTE) -> Balance:
    """The balance of a pod that has seen these pods for long enough."""
    balance = Balance(per_minute)
    assert balance.look(0, mine, others) == 0
    return balance


def send(balance: Balance, now: float, mine: PodLoad, *others: PodLoad, leaving: int = 0) -> int:
    """So many are sent away as may be."""
    count = balance.look(now, mine, others, leaving)
    balance.sent(now, count)
    return count


def decided(mine: PodLoad, *others: PodLoad) -> int:
    return calm(mine, *others).look(CALM_SECONDS, mine, others)


def test_a_pod_with_far_more_than_the_mean_sends_some_away_at_the_rate_that_is_set() -> None:
    assert decided(load(1, 1000), load(2, 1000), load(3, 0), load(4, 0)) == A_ROUND


@pytest.mark.parametrize("sockets", [[1300, 700], [99, 0], [5000], [0, 5000]])
def test_others_do_not(sockets: list[int]) -> None:
    mine, *others = [load(number, count) for number, count in enumerate(sockets)]
    assert decided(mine, *others) == 0


def test_fifty_above_the_mean_are_the_least() -> None:
    assert decided(load(1, 100), load(2, 0)) == 45


def test_it_goes_on_until_it_is_level_and_no_further() -> None:
    mine, cold = load(1, 1301), load(2, 699)
    balance = calm(mine, cold)
    now = CALM_SECONDS
    while count := send(balance, now, mine, cold):
        assert balance.surplus
        mine = load(1, mine.sockets - count)
        cold = load(2, cold.sockets + count)
        now += ROUND_SECONDS
    assert mine.sockets == 1100
    assert balance.surplus == 0
    # What comes by itself does not make it begin again.
    assert balance.look(now, load(1, 1290), [load(2, 700)]) == 0


def test_who_is_leaving_already_is_not_counted_twice() -> None:
    mine, cold = load(1, 180), load(2, 0)
    balance = calm(mine, cold)
    assert send(balance, CALM_SECONDS, mine, cold) == A_ROUND
    assert send(balance, CALM_SECONDS + 5, mine, cold, leaving=A_ROUND) == 180 - A_ROUND - 99
    assert send(balance, CALM_SECONDS + 10, mine, cold, leaving=81) == 0


@pytest.mark.parametrize(
    ("mine", "other"),
    [
        (load(1, 1000, ready=False), load(2, 0)),
        (load(1, 1000, draining=True), load(2, 0)),
        (load(1, 1000), load(2, 0, ready=False)),
        (load(1, 1000), load(2, 0, draining=True)),
    ],
)
def test_nobody_is_sent_by_or_to_a_pod_that_is_not_well(mine: PodLoad, other: PodLoad) -> None:
    assert decided(mine, other) == 0


def test_while_pods_come_go_or_drain_it_waits() -> None:
    mine, cold = load(1, 1000), load(2, 0)
    changes = [
        [cold, load(3, 0)],
        [cold],
        [cold, load(3, 1000, draining=True)],
        [cold, load(3, 10, ready=False)],
        [load(4, 0)],
    ]
    balance = calm(mine, cold)
    for number, others in enumerate(changes, 1):
        now = number * (CALM_SECONDS - 1)
        assert balance.look(now, mine, others) == 0, others
    assert balance.look(now + CALM_SECONDS - 1, mine, [load(4, 0)]) == 0
    assert balance.look(now + CALM_SECONDS, mine, [load(4, 0)]) == A_ROUND


@pytest.mark.parametrize(
    "others",
    [
        [load(2, 0), load(3, 0), load(4, 0)],
        [load(2, 0), load(4, 0)],
        [load(2, 0), load(3, 0, draining=True)],
    ],
)
def test_a_change_breaks_it_off(others: list[PodLoad]) -> None:
    mine, two = load(1, 1000), [load(2, 0), load(3, 0)]
    balance = calm(mine, *two)
    assert balance.look(CALM_SECONDS, mine, two) == A_ROUND
    assert balance.look(CALM_SECONDS + 5, mine, others) == 0
    assert balance.surplus == 0
    assert balance.look(CALM_SECONDS + 10, mine, others) == 0


@pytest.mark.parametrize("missing", [[], [load(2, 0, ready=False)]])
def test_a_pod_that_is_missing_for_a_moment_is_waited_for(missing: list[PodLoad]) -> None:
    mine, cold, full = load(1, 1000), load(2, 0), load(3, 1000)
    balance = calm(mine, cold, full)
    assert balance.look(CALM_SECONDS - 15, mine, [full, *missing]) == 0
    assert balance.look(CALM_SECONDS, mine, [cold, full]) == A_ROUND
    surplus = balance.surplus
    assert balance.look(CALM_SECONDS + ABSENCE_SECONDS, mine, [full, *missing]) == 0
    assert balance.surplus == surplus
    assert balance.look(CALM_SECONDS + ABSENCE_SECONDS + 5, mine, [cold, full]) == A_ROUND


def test_a_pod_that_stays_away_breaks_it_off() -> None:
    mine, cold, colder = load(1, 1000), load(2, 100), load(3, 0)
    balance = calm(mine, cold, colder)
    assert balance.look(CALM_SECONDS, mine, [cold, colder]) == A_ROUND
    gone = CALM_SECONDS + ABSENCE_SECONDS + 1
    assert balance.look(gone, mine, [cold]) == 0
    assert balance.surplus == 0
    assert balance.look(gone + CALM_SECONDS - 1, mine, [cold]) == 0
    assert balance.look(gone + CALM_SECONDS, mine, [cold]) == A_ROUND


def test_it_gives_up_for_a_while_on_those_who_come_back() -> None:
    mine, cold = load(1, 300), load(2, 100)
    balance = calm(mine, cold)
    now, sent = CALM_SECONDS, 0
    while not balance.is_in_vain:
        sent += send(balance, now, mine, cold)
        now += ROUND_SECONDS
        assert now < REST_SECONDS
    assert PATIENCE * (300 - 200) < sent <= PATIENCE * (300 - 200) + A_ROUND
    assert balance.surplus == 0
    assert balance.look(now + REST_SECONDS - 10, mine, [cold]) == 0
    assert balance.look(now + REST_SECONDS, mine, [cold]) == A_ROUND
    assert not balance.is_in_vain


def test_it_gives_up_as_well_where_all_it_has_too_many_go_at_once_and_come_back() -> None:
    hot, cold = 220, load(2, 100)
    balance = calm(load(1, hot), cold)
    now, here, leaving, sent = CALM_SECONDS, hot, 0, 0
    while not balance.is_in_vain:
        count = send(balance, now, load(1, here), cold, leaving=leaving)
        sent += count
        # Told in one round, they are away in the next, and here again in the one after it.
        here, leaving = hot - leaving, count
        now += ROUND_SECONDS
        assert now < REST_SECONDS
    assert sent <= 5 * LEAST


def test_who_has_left_and_is_not_seen_elsewhere_yet_counts() -> None:
    mine, full, cold = load(1, 260), load(2, 260), load(3, 0)
    balance = calm(mine, full, cold)
    assert send(balance, CALM_SECONDS, mine, full, cold) == A_ROUND
    # Of the mean of 173 it keeps 191, whenever the third tells of those who have come there.
    assert balance.look(CALM_SECONDS + 5, load(1, 210), [full, cold]) == 19
    assert balance.look(CALM_SECONDS + 5, load(1, 210), [full, load(3, 50)]) == 19
    # Others have gone for good: not all of them can be those.
    few = [load(2, 200), load(3, 50)]
    assert balance.look(CALM_SECONDS + 6, load(1, 210), few) == 23
    assert balance.look(CALM_SECONDS + UNSEEN_SECONDS, load(1, 210), few) == 41


def test_those_who_could_not_be_sent_were_not_sent_in_vain() -> None:
    mine, cold = load(1, 300), load(2, 100)
    balance = calm(mine, cold)
    for number in range(30):
        assert balance.look(CALM_SECONDS + number * ROUND_SECONDS, mine, [cold]) == A_ROUND
        balance.sent(CALM_SECONDS + number * ROUND_SECONDS, 0)
    assert not balance.is_in_vain


def test_a_small_rate_is_kept_as_well() -> None:
    mine, cold = load(1, 1000), load(2, 0)
    balance = calm(mine, cold, per_minute=1)
    sent = [
        now
        for now in range(int(CALM_SECONDS), int(CALM_SECONDS) + 180, 5)
        if send(balance, now, mine, cold)
    ]
    assert sent == [30, 90, 150]


@given(
    counts=st.lists(st.integers(-5, 20_000), min_size=1, max_size=12),
    per_minute=st.integers(1, 60_000),
    seconds=st.lists(st.floats(0, 40), min_size=1, max_size=40),
)
def test_never_below_the_mean_and_never_faster_than_it_may(
    counts: list[int], per_minute: int, seconds: list[float]
) -> None:
    balance = calm(*[load(*one) for one in enumerate(counts)], per_minute=per_minute)
    now, sent, first = CALM_SECONDS, [], max(counts[0], 0)
    mean = sum(max(count, 0) for count in counts) / len(counts)
    for pause in seconds:
        mine, *others = [load(*one) for one in enumerate(counts)]
        count = send(balance, now, mine, *others)
        assert 0 <= count <= max(0, counts[0] - mean)
        if count:
            assert first > HOT * mean
            assert first - mean >= LEAST
            counts[0] -= count
            counts[1] += count
        sent.append((now, count))
        within = sum(count for at, count in sent if at > now - WINDOW_SECONDS)
        assert within <= per_minute
        now += pause


Choose = Callable[[random.Random, list[int]], int]


def least_connections(_chance: random.Random, counts: list[int]) -> int:
    return counts.index(min(counts))


def round_robin(chance: random.Random, counts: list[int]) -> int:
    return chance.randrange(len(counts))


@pytest.mark.parametrize("choose", [least_connections, round_robin])
@settings(max_examples=15, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(
    counts=st.lists(st.integers(0, 3_000), min_size=2, max_size=6),
    seed=st.integers(0, 2**16),
)
def test_a_fleet_becomes_level_and_stays_so(choose: Choose, counts: list[int], seed: int) -> None:
    """All pods decide for themselves, at different times, by what is a few seconds old."""
    chance = random.Random(seed)
    balances = [Balance(PER_MINUTE) for _ in counts]
    moved, last, on_their_way = 0, 0.0, 0
    told: deque[list[PodLoad]] = deque(maxlen=TOLD_SECONDS + 1)
    total, mean = sum(counts), sum(counts) / len(counts)
    excess = sum(max(0, count - mean) for count in counts)
    for tick in range(900):
        now = 1.0 * tick
        told.append([load(*one) for one in enumerate(counts)])
        for _ in range(on_their_way):
            counts[choose(chance, counts)] += 1
        on_their_way = 0
        for number, balance in enumerate(balances):
            if (tick + number) % ROUND_SECONDS:
                continue
            others = told[0][:number] + told[0][number + 1 :]
            count = send(balance, now, load(number, counts[number]), *others)
            counts[number] -= count
            assert not count or counts[number] >= mean, "it empties itself"
            on_their_way += count
            moved, last = moved + count, now if count else last
    assert sum(counts) + on_their_way == total
    assert all(count <= HOT * mean or count < mean + LEAST for count in counts)
    assert last < 800, "it goes on for ever"
    # At round robin some come back, to a pod of two every other one.
    assert moved <= (1 if choose is least_connections else 4) * excess + len(counts)
    assert not any(balance.is_in_vain for balance in balances)
    assert LEVEL < HOT
