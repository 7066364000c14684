import msgspec

from loadtests.swarm.tally import Tallies, Tally


def test_tallies_add_up() -> None:
    one = Tally(connected=2, lost=1, closed_by_code={4503: 1})
    other = Tally(connected=3, closed_by_code={4503: 2, 1006: 1})
    both = Tally(connected=5, lost=1, closed_by_code={1006: 1, 4503: 3})
    assert one.plus(other) == both


def test_a_workers_report_replaces_the_one_before() -> None:
    tallies = Tallies()
    tallies.heard("a", Tally(accepted=5))
    tallies.heard("b", Tally(accepted=1))
    before = tallies.total
    tallies.heard("a", Tally(accepted=7))
    assert (before.accepted, tallies.total.accepted) == (6, 8)


def test_a_tally_goes_through_locusts_messages() -> None:
    tally = Tally(delivered=4, closed_by_code={4503: 2})
    sent = msgspec.msgpack.decode(msgspec.msgpack.encode(msgspec.to_builtins(tally, str_keys=True)))
    assert msgspec.convert(sent, Tally, strict=False) == tally
