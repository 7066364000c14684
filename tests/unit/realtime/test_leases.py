"""The session registry follows the sockets, also when it is away for a while."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.waiting import until
from whatchat.adapters.embedded.session_registry import InProcessSessionRegistry
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import DeviceId, SessionId, UserId
from whatchat.domain.ports.session_registry import Session
from whatchat.domain.times import utc_now
from whatchat.realtime.leases import Leases
from whatchat.realtime.tasks import Tasks


class SometimesAway(InProcessSessionRegistry):
    """A registry that can be away."""

    away = False
    renewed = 0

    async def open(self, session: Session, *, lease_seconds: int) -> None:
        self._require()
        await super().open(session, lease_seconds=lease_seconds)

    async def renew(
        self, session_ids: Sequence[SessionId], *, lease_seconds: int
    ) -> list[SessionId]:
        self._require()
        self.renewed += len(session_ids)
        return await super().renew(session_ids, lease_seconds=lease_seconds)

    def _require(self) -> None:
        if self.away:
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
