"""Delays double up to a limit, and no two clients wait alike."""

from whatchat.client.backoff import Backoff


def test_delays_double_up_to_the_limit_with_half_of_it_jitter() -> None:
    backoff = Backoff(first=1, most=8)
    for ceiling in (1, 2, 4, 8, 8, 8):
        assert ceiling / 2 <= backoff.next() <= ceiling


def test_a_success_begins_anew() -> None:
    backoff = Backoff(first=1, most=8)
    for _ in range(100):
        backoff.next()
    backoff.reset()
    assert backoff.next() <= 1


def test_delays_differ() -> None:
    assert len({Backoff(first=1, most=8).next() for _ in range(20)}) > 10
