import pytest

from whatchat.domain.listeners import Listeners


def test_all_hear_in_order_and_one_that_fails_keeps_no_other_from_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    listeners = Listeners[str, int]("a thing")
    heard: list[tuple[str, str, int]] = []

    def fail(_: str, __: int) -> None:
        raise RuntimeError("this one cannot")

    listeners.add(lambda name, number: heard.append(("first", name, number)))
    listeners.add(fail)
    listeners.add(lambda name, number: heard.append(("last", name, number)))
    listeners.tell("one", 1)
    listeners.tell("two", 2)
    assert heard == [
        ("first", "one", 1),
        ("last", "one", 1),
        ("first", "two", 2),
        ("last", "two", 2),
    ]
    assert caplog.text.count("a listener failed on a thing") == 2
