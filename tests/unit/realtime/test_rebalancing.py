"""Whom a pod with too many sockets sends away, and when it leaves everybody where they are."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic

import pytest
from structlog.testing import capture_logs

from tests.unit.realtime.parts import GREETING, actor, hub_of, warming
from tests.unit.realtime.test_drain import TimedLink, at_once, moves, nobody
from tests.waiting import until
from whatchat.domain.errors import Unavailable
from whatchat.domain.ports.fleet import Loads, PodLoad
from whatchat.observability.metrics import Metrics
from whatchat.realtime import balance, rebalancing
from whatchat.realtime.connection import Connection
from whatchat.realtime.hub import Hub
from whatchat.realtime.link import DRAINING
from whatchat.realtime.moving import Moving
from whatchat.realtime.rebalancing import LOOK_SECONDS, Rebalancer
from whatchat.realtime.returning import Returning
from whatchat.realtime.tasks import Tasks

SOCKETS = 200
ADDRESS = actor("anybody").address


class TwoPods:
    """This pod and one other; ``away``: nobody knows of it."""

    def __init__(self, hub: Hub, other: int) -> None:
        self._hub = hub
        self.other = other
        self.away = False
        self.alone = False
        self.asked = 0

    async def loads(self) -> Loads:
        self.asked += 1
        if self.away:
            raise Unavailable
        mine = _load("mine", len(self._hub))
        return Loads(mine, [] if self.alone else [_load("other", self.other)])


def _load(pod: str, sockets: int) -> PodLoad:
    return PodLoad(pod=pod, sockets=sockets, ready=True, draining=False)


class House:
    """A pod full of sockets, which gets on with it quickly."""

    def __init__(self, tasks: Tasks) -> None:
        self.hub = hub_of(tasks)
        self.order: list[TimedLink] = []
        self.links = [TimedLink(self.order) for _ in range(SOCKETS)]
        for number, link in enumerate(self.links):
            connection = Connection(actor(f"user{number}"), link)
            connection.greet(GREETING, {}, set())
            self.hub.add(connection)
        self.fleet = TwoPods(self.hub, 0)
        self.returning = Returning()
        self.metrics = Metrics()
        self.rebalancer = Rebalancer(
            self.hub,
            Moving(self.hub, at_once, nobody),
            self.returning,
            self.fleet,
            self.metrics,
            per_minute=6_000,
        )

    def told(self) -> int:
        return sum(len(moves(link)) for link in self.links)

    async def looks(self, times: int = 5) -> None:
        """Wait until it has looked so often."""
        asked = self.fleet.asked
        await until(lambda: self.fleet.asked >= asked + times)


@pytest.fixture
async def house(tasks: Tasks, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr(balance, "CALM_SECONDS", 0.05)
    monkeypatch.setattr(rebalancing, "ROUND_SECONDS", 0.1)
    monkeypatch.setattr(rebalancing, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(rebalancing, "GRACE_SECONDS", 0.05)
    house = House(tasks)
    yield house
    await house.rebalancer.close()


async def test_it_sends_away_what_it_has_too_many_and_no_more(house: House) -> None:
    house.rebalancer.start()
    await until(lambda: house.told() == SOCKETS - 110)
    await until(lambda: len(house.order) == house.told())
    for link in house.order:
        assert (len(moves(link)), link.closing) == (1, DRAINING)
    assert house.order != house.links[: len(house.order)], "those who came first would go first"
    assert house.returning.refusal(ADDRESS) is not None
    await house.looks()
    assert house.told() == SOCKETS - 110, "who is going anyway counts as gone"
    text = house.metrics.render().decode()
    assert f"whatchat_rebalanced_sockets_total {SOCKETS - 110}.0" in text
    assert "whatchat_surplus_sockets 0.0" in text


async def test_who_came_just_now_stays(house: House) -> None:
    for link in house.links[20:]:
        link.opened_at = monotonic()
    with capture_logs() as lines:
        house.rebalancer.start()
        await until(lambda: house.told() > 0)
        await house.looks(4)
    assert 0 < house.told() <= 20
    assert all(not moves(link) for link in house.links[20:])
    assert "warning" not in {line["log_level"] for line in lines}, "nobody came back"


async def test_who_is_not_greeted_yet_stays(house: House) -> None:
    for connection in house.hub:
        house.hub.remove(connection)
    for number in range(SOCKETS):
        house.hub.add(warming(f"new{number}")[0])
    house.rebalancer.start()
    await house.looks()
    await asyncio.sleep(0.2)
    assert house.metrics.rebalanced_sockets._value.get() == 0


@pytest.mark.parametrize("why", ["away", "alone", "level"])
async def test_it_leaves_everybody_where_they_are(house: House, why: str) -> None:
    house.fleet.away = why == "away"
    house.fleet.alone = why == "alone"
    house.fleet.other = SOCKETS - 50 if why == "level" else 0
    house.rebalancer.start()
    await asyncio.sleep(0.15)
    await house.looks()
    assert house.told() == 0


async def test_an_outage_breaks_it_off_and_nobody_is_turned_away(house: House) -> None:
    house.rebalancer.start()
    await until(lambda: house.told() > 0)
    house.fleet.away = True
    await house.looks(2)
    told = house.told()
    assert house.returning.refusal(ADDRESS) is None
    await house.looks(2)
    assert house.told() == told


async def test_once_stopped_it_sends_nobody_more_and_closes_whom_it_has_told(house: House) -> None:
    house.rebalancer.start()
    await until(lambda: house.told() > 0)
    await house.rebalancer.stop()
    assert house.returning.refusal(ADDRESS) is None
    told, asked = house.told(), house.fleet.asked
    await until(lambda: len(house.order) == told)
    assert (house.told(), house.fleet.asked) == (told, asked)


async def test_once_closed_it_closes_nobody(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebalancing, "GRACE_SECONDS", 0.2)
    house.rebalancer.start()
    await until(lambda: house.told() > 0)
    await house.rebalancer.close()
    await asyncio.sleep(0.4)
    assert house.order == []


def test_a_look_at_which_a_pod_is_missing_says_nothing() -> None:
    assert LOOK_SECONDS < balance.ABSENCE_SECONDS
