"""Who is turned away as it was just sent away from here: once each, and for a while."""

from whatchat.realtime.returning import BACK_SECONDS, Returning


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_each_is_turned_away_once() -> None:
    returning = Returning("POD", clock=Clock())
    assert returning.refusal("192.0.2.1") is None
    returning.expect("192.0.2.1")
    returning.expect("192.0.2.1")
    assert returning.refusal("192.0.2.2") is None
    for _ in range(2):
        refusal = returning.refusal("192.0.2.1")
        assert refusal is not None
        assert (refusal.status, refusal.reason) == (503, "moved")
        assert refusal.headers() == [
            (b"retry-after", b"1"),
            (b"set-cookie", b"POD=; Path=/; Max-Age=0"),
            (b"set-cookie", b"POD=; Path=/; Max-Age=0; Secure; SameSite=None"),
        ]
    assert returning.refusal("192.0.2.1") is None


def test_a_customer_of_ipv6_may_come_from_another_address() -> None:
    returning = Returning(clock=Clock())
    returning.expect("2001:db8:1:2::3")
    assert returning.refusal("2001:db8:1:3::3") is None
    refusal = returning.refusal("2001:db8:1:2::4")
    assert refusal is not None
    assert refusal.headers() == [(b"retry-after", b"1")]


def test_they_are_expected_for_a_while_only() -> None:
    clock = Clock()
    returning = Returning(clock=clock)
    returning.expect("192.0.2.1")
    returning.expect("192.0.2.1", 5)
    returning.expect("192.0.2.2")
    clock.now += BACK_SECONDS
    returning.forget()
    assert returning.refusal("192.0.2.2") is None
    assert returning.refusal("192.0.2.1") is not None
    returning.expect("192.0.2.1")
    returning.forget(all_of_them=True)
    assert returning.refusal("192.0.2.1") is None
    assert not returning._expected
