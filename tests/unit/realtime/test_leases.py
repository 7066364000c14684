"""The session registry follows the sockets, also when it is away for a while."""

import asyncio
from collections.abc import Sequence
from itertools import count

import pytest

from tests.waiting import until
from whatchat.adapters.embedded.session_registry import InProcessSessionRegistry
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import DeviceId, SessionId, UserId
from whatchat.domain.ports.session_registry import Session
from whatchat.domain.times import utc_now
from whatchat.realtime.leases import AT_ONCE, RENEW_BATCH, Leases
from whatchat.realtime.tasks import Tasks


class SometimesAway(InProcessSessionRegistry):
    """A registry that can be away, or refuse some sessions as servers of a cluster may."""

    away = False
    refused: frozenset[str] = frozenset()
    seconds = 0.0
    renewed = renewals = 0

    def __init__(self) -> None:
        super().__init__()
        self.closed: list[SessionId] = []

    async def open(self, session: Session, *, lease_seconds: int) -> None:
        self._require(session.session_id)
        await asyncio.sleep(self.seconds)
        await super().open(session, lease_seconds=lease_seconds)

    async def close(self, session_id: SessionId) -> None:
        self._require(session_id)
        self.closed.append(session_id)
        await super().close(session_id)

    async def renew(
        self, session_ids: Sequence[SessionId], *, lease_seconds: int
    ) -> list[SessionId]:
        self._require(*session_ids)
        self.renewed += len(session_ids)
        self.renewals += 1
        return await super().renew(session_ids, lease_seconds=lease_seconds)

    def _require(self, *session_ids: SessionId) -> None:
        if self.away or self.refused.intersection(session_ids):
            raise Unavailable


@pytest.fixture
def registry() -> SometimesAway:
    return SometimesAway()


@pytest.fixture
async def leases(registry: SometimesAway, tasks: Tasks) -> Leases:
    leases = Leases(registry, lease_seconds=1, renew_seconds=0.05)
    tasks.spawn(leases.run(), name="leases")
    return leases


def session(name: str) -> Session:
    return Session(
        session_id=SessionId(name),
        user_id=UserId("ada"),
        device_id=DeviceId("device"),
        pod="pod",
        since=utc_now(),
    )


async def entered(registry: SometimesAway, expected: set[str]) -> None:
    async def is_so() -> bool:
        return {one.session_id for one in await registry.of_user(UserId("ada"))} == expected

    await until(is_so)


async def test_sockets_are_entered_renewed_and_taken_out(
    registry: SometimesAway, leases: Leases
) -> None:
    for name in ("a", "b"):
        leases.enter(session(name))
    await entered(registry, {"a", "b"})
    await until(lambda: registry.renewed >= 4)
    leases.leave(SessionId("a"))
    await entered(registry, {"b"})


async def test_a_socket_gone_before_it_was_entered_is_not(
    registry: SometimesAway, leases: Leases
) -> None:
    leases.enter(session("a"))
    leases.leave(SessionId("a"))
    leases.enter(session("b"))
    await entered(registry, {"b"})


async def test_what_the_registry_did_not_take_is_tried_again(
    registry: SometimesAway, leases: Leases
) -> None:
    registry.away = True
    leases.enter(session("a"))
    await asyncio.sleep(0.02)
    registry.away = False
    await entered(registry, {"a"})


async def test_what_the_registry_has_lost_is_entered_again(
    leases: Leases, registry: SometimesAway
) -> None:
    leases.enter(session("phone"))
    await until(lambda: registry.renewed > 0)
    await registry.close(SessionId("phone"))
    async with asyncio.timeout(2):
        while not await registry.of_user(UserId("ada")):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


def refuse(registry: SometimesAway, count: int) -> list[Session]:
    """Sessions that the registry does not take."""
    refused = [session(f"refused-{number}") for number in range(count)]
    registry.refused = frozenset(one.session_id for one in refused)
    return refused


async def test_those_that_are_refused_hold_up_nobody_behind_them(
    registry: SometimesAway, leases: Leases
) -> None:
    for one in refuse(registry, AT_ONCE):
        leases.enter(one)
    for name in ("a", "b"):
        leases.enter(session(name))
    await entered(registry, {"a", "b"})
    renewed = registry.renewed
    await until(lambda: registry.renewed >= renewed + 6)


async def test_those_that_cannot_be_taken_out_keep_nobody_in(
    registry: SometimesAway, leases: Leases
) -> None:
    names = [f"refused-{number}" for number in range(AT_ONCE)]
    for name in (*names, "a", "b"):
        leases.enter(session(name))
    await entered(registry, {*names, "a", "b"})
    refuse(registry, AT_ONCE)
    for name in (*names, "a"):
        leases.leave(SessionId(name))
    await until(lambda: registry.closed == ["a"])


async def test_those_that_cannot_be_renewed_keep_no_others_from_it(
    registry: SometimesAway, leases: Leases
) -> None:
    names = [f"refused-{number}" for number in range(RENEW_BATCH)]
    for name in names:
        leases.enter(session(name))
    await entered(registry, set(names))
    leases.enter(session("a"))
    await entered(registry, {*names, "a"})
    refuse(registry, RENEW_BATCH)
    renewed = registry.renewed
    await until(lambda: registry.renewed >= renewed + 3)


async def test_renewing_goes_on_while_entering_takes_longer_than_its_turns(
    registry: SometimesAway, leases: Leases
) -> None:
    leases.enter(session("a"))
    await entered(registry, {"a"})
    registry.seconds = 0.06
    before, numbers = registry.renewals, count()

    def renewed_while_somebody_always_waits() -> bool:
        leases.enter(session(f"slow-{next(numbers)}"))
        return registry.renewals >= before + 3

    await until(renewed_while_somebody_always_waits)


async def test_nobody_is_closed_who_has_not_left(registry: SometimesAway, leases: Leases) -> None:
    registry.seconds = 0.05
    (refused,) = refuse(registry, 1)
    leases.enter(session("a"))
    leases.enter(refused)
    await asyncio.sleep(0.01)
    leases.enter(session("b"))
    await asyncio.sleep(0.01)
    leases.leave(refused.session_id)
    leases.enter(session("c"))
    await entered(registry, {"a", "b", "c"})
    await asyncio.sleep(0.1)
    assert registry.closed == []


async def test_who_leaves_while_being_entered_is_taken_out(
    registry: SometimesAway, leases: Leases
) -> None:
    registry.seconds = 0.05
    leases.enter(session("a"))
    await asyncio.sleep(0.02)
    leases.leave(SessionId("a"))
    await until(lambda: registry.closed == ["a"])
    await entered(registry, set())


async def test_a_renewal_that_failed_is_tried_again_soon(
    registry: SometimesAway, tasks: Tasks
) -> None:
    leases = Leases(registry, lease_seconds=60, renew_seconds=2.0, retry_seconds=0.02)
    tasks.spawn(leases.run(), name="leases")
    leases.enter(session("a"))
    await entered(registry, {"a"})
    registry.away = True
    await asyncio.sleep(2.1)
    assert registry.renewed == 0
    registry.away = False
    async with asyncio.timeout(1.0):
        while not registry.renewed:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
