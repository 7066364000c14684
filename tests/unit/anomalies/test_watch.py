"""How a watch is told, and what can go wrong with that."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from tests.unit.anomalies.examples import EVE, EXAMPLES
from tests.unit.anomalies.parts import Guard
from tests.waiting import until
from whatchat.anomalies import watch as watching
from whatchat.anomalies.rules import RULES
from whatchat.anomalies.sampling import MAX_KNOWN, Sampling
from whatchat.anomalies.sighting import Sighting
from whatchat.domain.actor import Actor
from whatchat.domain.audit import Act, Record, party
from whatchat.domain.errors import NotFound, Unavailable
from whatchat.domain.ids import DeviceId, GrantId, UserId
from whatchat.domain.tasks import ended
from whatchat.domain.times import utc_now

REUSED = EXAMPLES["refresh_tokens_reused"]


def actor(user_id: str = "eve", device_id: str = "eves") -> Actor:
    return Actor(
        user_id=UserId(user_id),
        device_id=DeviceId(device_id),
        grant_id=GrantId("grant"),
        expires_at=2**40,
        address="192.0.2.1",
    )


def record(act: Act) -> Record:
    return Record(id="id", at=utc_now(), pod="pod", actor=party(actor()), act=act)


@asynccontextmanager
async def running(guard: Guard) -> AsyncIterator[None]:
    task = asyncio.create_task(guard.watch.run())
    yield
    await ended(task)


class Broken:
    """A tally that fails in a way that no tally may."""

    async def add(
        self, key: str, *, seconds: int, most: int, member: str | None = None, times: int = 1
    ) -> int:
        raise RuntimeError("no such luck")

    async def count(self, key: str, *, seconds: int, member: str | None = None) -> int:
        raise RuntimeError("no such luck")


async def test_records_are_looked_at_by_themselves() -> None:
    guard = Guard()
    async with running(guard):
        guard.watch.take([record(Act(kind="password.changed", outcome="forbidden"))] * 10)
        await until(lambda: guard.found == ["wrong_current_password"])


async def test_what_no_rule_looks_at_does_not_wait() -> None:
    guard = Guard()
    guard.watch.take([record(Act(kind="member.added"))] * 100)
    guard.watch.take([record(Act(kind="anomaly.found"))] * 100)
    assert guard.watch._waiting.empty()


async def test_beyond_its_bound_what_is_told_is_dropped_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watching, "MAX_WAITING", 10)
    guard = Guard()
    for number in range(25):
        guard.watch.notice(REUSED(number))
    dropped = "whatchat_anomaly_sightings_dropped_total"
    assert guard.metrics.registry.get_sample_value(dropped) == 15
    async with running(guard):
        await until(lambda: "refresh_tokens_reused" in guard.found)


async def test_an_error_is_logged_once_and_the_watch_goes_on() -> None:
    guard = Guard(tally=Broken())
    with capture_logs() as logs:
        for number in range(5):
            await guard.see(REUSED(number))
    assert [one["log_level"] for one in logs] == ["error"]
    assert guard.found == []


async def test_one_rules_error_is_no_matter_of_the_others() -> None:
    guard = Guard()
    guard.door.failures = [Unavailable()] * 5
    with capture_logs() as logs:
        await guard.see(*(REUSED(number) for number in range(5)))
        assert [one["event"] for one in logs].count("anomalies are not dealt with") == 1
    assert guard.found == ["refresh_token_reused", "refresh_tokens_reused"]
    assert guard.door.put_out == []


async def test_signing_out_is_tried_again_while_the_store_is_away() -> None:
    guard = Guard()
    guard.door.failures = [Unavailable()] * 4
    await guard.see(*(REUSED(number) for number in range(5)))
    assert [user_id for user_id, _ in guard.door.put_out] == [EVE]


async def test_whose_account_is_gone_needs_no_signing_out() -> None:
    guard = Guard()
    guard.door.failures = [NotFound()]
    with capture_logs() as logs:
        await guard.see(*(REUSED(number) for number in range(5)))
    assert [one["log_level"] for one in logs] == ["info", "warning"]
    assert guard.door.put_out == []


async def test_without_limits_nobody_is_slowed_down() -> None:
    guard = Guard(slows=False)
    opened = EXAMPLES["crowds_written_to"]
    await guard.see(*(opened(number) for number in range(1_000)))
    assert guard.found == ["strangers_written_to", "crowds_written_to"]


async def test_what_is_logged_names_the_rule_and_no_address() -> None:
    guard = Guard()
    failed = EXAMPLES["failed_sign_ins_from_network"]
    with capture_logs() as logs:
        await guard.see(*(failed(number) for number in range(100)))
    assert logs == [
        {
            "event": "anomaly",
            "rule": "failed_sign_ins_from_network",
            "action": "alert",
            "user_id": None,
            "log_level": "warning",
        }
    ]


def test_of_a_hundred_messages_one_is_seen() -> None:
    seen: list[Sighting] = []
    sampling = Sampling(seen.append)
    for _ in range(99):
        sampling.message_sent(EVE)
        sampling.message_sent(UserId("bob"))
    assert seen == []
    for _ in range(101):
        sampling.message_sent(EVE)
    assert seen == [Sighting(event="messages.sent", actor_id=EVE)] * 2


def test_of_ten_connects_of_a_device_one_is_seen() -> None:
    seen: list[Sighting] = []
    sampling = Sampling(seen.append)
    for number in range(30):
        sampling.connected(actor(device_id=f"device-{number % 2}"))
    assert [(one.event, one.actor_id, one.device_id) for one in seen] == [
        ("connected", "eve", "device-0"),
        ("connected", "eve", "device-1"),
    ]


@pytest.mark.parametrize("forget", [False, True])
def test_samples_are_bounded_and_forgotten(forget: bool) -> None:
    seen: list[Sighting] = []
    sampling = Sampling(seen.append)
    for number in range(MAX_KNOWN + 1 if not forget else 5):
        sampling.message_sent(UserId(str(number)))
        sampling.connected(actor(device_id=str(number)))
    if forget:
        sampling.forget()
    assert len(sampling._messages) == len(sampling._connects) == (0 if forget else 1)


async def test_no_rule_breaks_on_a_normal_busy_day() -> None:
    """50 rooms with new people, three devices, a flaky network, typing errors, some blocks."""
    guard = Guard()
    day: list[Callable[[int], Sighting]] = []
    day += [EXAMPLES["strangers_written_to"]] * 50
    day += [EXAMPLES["new_devices"]] * 3
    day += [EXAMPLES["failed_sign_ins_of_account"]] * 6
    day += [EXAMPLES["wrong_current_password"]] * 3
    day += [EXAMPLES["unwelcome"]] * 5
    day += [EXAMPLES["reports_by_one"]] * 5
    day += [EXAMPLES["limits_hit_by_user"]] * 50
    await guard.see(*(example(number) for number, example in enumerate(day)))
    for _ in range(24 * 60 * 6):  # a connection each ten seconds, and 60 messages a minute
        guard.watch.witness.connected(actor())
        for _ in range(10):
            guard.watch.witness.message_sent(EVE)
        guard.clock.now += 10
        while not guard.watch._waiting.empty():
            await guard.see(guard.watch._waiting.get_nowait())
    assert guard.found == []


def test_every_rule_says_what_it_counts() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.about and rule.threshold > 0 and rule.seconds > 0 for rule in RULES)
