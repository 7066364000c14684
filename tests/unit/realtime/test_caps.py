"""Who comes too often, and who does not wait."""

import gc
import weakref
from dataclasses import dataclass, field

import pytest

from tests.unit.realtime.parts import actor, greeted
from whatchat.domain.actor import Actor, Visitor
from whatchat.domain.errors import RateLimited
from whatchat.domain.ports.limiter import Quota
from whatchat.realtime.caps import Caps, Patience, Turnstile


@dataclass
class World:
    """A clock that a test moves, and what was told."""

    now: float = 100.0
    told: list[tuple[str, str]] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def hear(self, limit: str, dimension: str, _caller: Actor | Visitor) -> None:
        self.told.append((limit, dimension))


@pytest.fixture
def world() -> World:
    return World()


def turnstile(world: World, caps: Caps) -> Turnstile:
    return Turnstile(caps, world.hear, clock=world.clock)


def patience(world: World, burst: int = 5) -> Patience:
    return Patience(Quota(rate=1, burst=burst), world.hear, clock=world.clock)


def test_a_network_shakes_hands_so_often(world: World) -> None:
    door = turnstile(world, Caps(handshakes=Quota(rate=0.5, burst=3)))
    assert [door.handshake("192.0.2.1") for _ in range(3)] == [None] * 3
    refusal = door.handshake("192.0.2.1")
    assert refusal is not None
    assert (refusal.status, refusal.retry_after) == (429, 2)
    assert door.handshake("192.0.2.2") is None
    assert world.told == [("handshake", "network")]
    world.now += 2
    assert door.handshake("192.0.2.1") is None


def test_one_customers_addresses_are_one_network(world: World) -> None:
    door = turnstile(world, Caps(handshakes=Quota(rate=1, burst=1)))
    assert door.handshake("2001:db8::1") is None
    assert door.handshake("2001:db8::2") is not None
    assert door.handshake("2001:db8:0:1::1") is None
    assert door.handshake("192.0.2.1") is None
    assert door.handshake("::ffff:192.0.2.1") is not None


def test_a_user_connects_so_often_on_any_device(world: World) -> None:
    door = turnstile(world, Caps(connects=Quota(rate=0.1, burst=2)))
    door.connect(actor("ada", "one"))
    door.connect(actor("ada", "two"))
    with pytest.raises(RateLimited) as refused:
        door.connect(actor("ada", "three"))
    assert refused.value.retry_after_ms == 10_000
    door.connect(actor("bob"))
    assert world.told == [("connect", "user")]


def test_without_caps_nobody_comes_too_often(world: World) -> None:
    door = turnstile(world, Caps())
    connection, _ = greeted("ada")
    free = Patience(None, world.hear)
    for _ in range(1000):
        assert door.handshake("192.0.2.1") is None
        door.connect(actor("ada"))
        assert not free.is_over(connection, 1000)
        free.require(connection.actor)
    assert world.told == []


def test_whoever_waits_as_told_is_never_found(world: World) -> None:
    asked, (connection, _) = patience(world), greeted("ada")
    for _ in range(1000):
        assert not asked.is_over(connection, 10)
        world.now += 0.010
    assert world.told == []


def test_whoever_goes_on_is_found_beyond_what_was_on_its_way(world: World) -> None:
    asked, (connection, _) = patience(world, burst=5), greeted("ada")
    found = [asked.is_over(connection, 1000) for _ in range(8)]
    assert found == [False] * 6 + [True] * 2  # the first was not told before
    assert world.told[0] == ("flooding", "device")


def test_going_on_slowly_is_found_as_well(world: World) -> None:
    asked, (connection, _) = patience(world, burst=5), greeted("ada")
    refusals = 0
    while not asked.is_over(connection, 60_000):
        world.now += 0.5
        refusals += 1
    assert refusals == 10


def test_a_device_that_comes_back_is_remembered_until_it_has_waited(world: World) -> None:
    asked, (connection, _) = patience(world, burst=5), greeted("ada")
    while not asked.is_over(connection, 1000):
        pass
    asked.forget(connection)
    again, _ = greeted("ada")
    asked.require(again.actor)  # once, and it has no more to spend
    assert not asked.is_over(again, 1000)
    assert asked.is_over(again, 1000)
    with pytest.raises(RateLimited) as refused:
        asked.require(again.actor)
    assert refused.value.retry_after_ms == 30_000
    asked.require(actor("bob"))
    world.now += 30
    asked.require(again.actor)


def test_another_connection_of_a_device_does_not_pay_for_what_it_was_not_told(
    world: World,
) -> None:
    asked, (one, _), (other, _) = patience(world), greeted("ada", "a"), greeted("ada", "b")
    assert not asked.is_over(one, 60_000)
    assert not asked.is_over(other, 0)
    for _ in range(20):
        assert not asked.is_over(other, 0)


def test_a_client_that_is_gone_is_not_kept_for_what_it_was_told_last(world: World) -> None:
    asked, (connection, _) = patience(world), greeted("ada")
    asked.forget(connection)
    asked.is_over(connection, 1000)  # of a command that ended after its client
    kept = weakref.ref(connection)
    del connection
    gc.collect()
    assert kept() is None
