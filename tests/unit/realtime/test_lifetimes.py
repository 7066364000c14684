"""How long a socket may stay."""

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest

from tests.unit.realtime.parts import actor, greeted, hub_of
from whatchat.domain.errors import Unauthenticated
from whatchat.domain.ids import GrantId
from whatchat.domain.ports.account_store import Exclusion
from whatchat.realtime.deadlines import Deadlines
from whatchat.realtime.hub import Hub
from whatchat.realtime.lifetimes import Lifetimes
from whatchat.realtime.link import UNAUTHENTICATED
from whatchat.realtime.tasks import Tasks

NOW = 1_000_000


class Clock:
    now: float = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hub(tasks: Tasks) -> Hub:
    return hub_of(tasks)


@pytest.fixture
def lifetimes(hub: Hub, deadlines: Deadlines) -> Lifetimes:
    lifetimes = Lifetimes(clock=Clock())
    lifetimes.attach(hub, deadlines)
    return lifetimes


async def test_a_socket_is_warned_60_seconds_before_its_end(hub: Hub, deadlines: Deadlines) -> None:
    clock = Clock()
    lifetimes = Lifetimes(clock=clock)
    lifetimes.attach(hub, deadlines)
    clock.now = NOW + 0.96
    connection, link = greeted("ada", expires_at=NOW + 61)
    lifetimes.watch(connection)
    assert link.events() == []
    clock.now = NOW + 1
    await asyncio.sleep(0.06)
    assert link.events() == [("session:expiring", {"inSeconds": 60})]
    assert connection.closing is None


async def test_a_socket_with_little_time_is_warned_at_once_and_closed_at_its_end(
    hub: Hub, deadlines: Deadlines
) -> None:
    clock = Clock()
    clock.now = NOW - 0.05
    lifetimes = Lifetimes(clock=clock)
    lifetimes.attach(hub, deadlines)
    connection, link = greeted("ada", expires_at=NOW)
    lifetimes.watch(connection)
    assert link.events() == [("session:expiring", {"inSeconds": 0})]
    await asyncio.sleep(0.1)
    assert connection.closing == UNAUTHENTICATED


async def test_a_socket_without_time_is_closed(lifetimes: Lifetimes) -> None:
    connection, _ = greeted("ada", expires_at=NOW)
    lifetimes.watch(connection)
    assert connection.closing == UNAUTHENTICATED


async def test_an_extended_socket_outlives_its_first_token(hub: Hub, deadlines: Deadlines) -> None:
    clock = Clock()
    clock.now = NOW - 0.03
    lifetimes = Lifetimes(clock=clock)
    lifetimes.attach(hub, deadlines)
    connection, _ = greeted("ada", "phone", expires_at=NOW)
    hub.add(connection)
    lifetimes.watch(connection)
    newer = actor("ada", "phone", expires_at=NOW + 900, grant="newer")
    lifetimes.extend(newer)
    await asyncio.sleep(0.08)
    assert connection.closing is None
    assert connection.actor == newer
    lifetimes.revoke(GrantId("grant-ada"))
    assert connection.closing is None
    lifetimes.revoke(GrantId("newer"))
    assert connection.closing == UNAUTHENTICATED


@pytest.mark.parametrize(
    ("is_banned", "issued_at", "closes"),
    [
        (False, None, False),  # one of our own: its grant is revoked, or newer
        (False, NOW - 10, True),
        (False, NOW, True),
        (False, NOW + 0.1, False),
        (True, None, True),
        (True, NOW + 0.1, True),
    ],
)
async def test_who_signed_in_after_a_sign_out_everywhere_stays(
    hub: Hub, lifetimes: Lifetimes, is_banned: bool, issued_at: float | None, closes: bool
) -> None:
    connection, _ = greeted("ada", expires_at=NOW + 900)
    hub.add(connection)
    issued = msgspec.structs.replace(connection.actor, issued_at=issued_at)
    hub.change_actor(connection, issued)
    at = datetime.fromtimestamp(NOW, UTC)
    out = Exclusion(user_id=issued.user_id, is_banned=is_banned, signed_out_at=at, changed_at=at)
    lifetimes.put_out(out)
    assert (connection.closing == UNAUTHENTICATED) == closes


async def test_a_forgotten_socket_is_left_alone(hub: Hub, deadlines: Deadlines) -> None:
    clock = Clock()
    clock.now = NOW - 0.03
    lifetimes = Lifetimes(clock=clock)
    lifetimes.attach(hub, deadlines)
    connection, _ = greeted("ada", expires_at=NOW)
    lifetimes.watch(connection)
    lifetimes.forget(connection)
    await asyncio.sleep(0.08)
    assert connection.closing is None


async def test_only_a_live_socket_can_be_extended(hub: Hub, lifetimes: Lifetimes) -> None:
    with pytest.raises(Unauthenticated):
        lifetimes.extend(actor("ada", "gone"))
    with pytest.raises(Unauthenticated):
        Lifetimes().extend(actor("ada", "gone"))
    connection, _ = greeted("ada", "phone")
    hub.add(connection)
    connection.close(UNAUTHENTICATED)
    with pytest.raises(Unauthenticated):
        lifetimes.extend(actor("ada", "phone"))
