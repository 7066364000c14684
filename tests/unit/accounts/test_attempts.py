"""How often passwords may be wrong."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.told import Told
from whatchat.adapters.embedded.limiter import EmbeddedLimiter
from whatchat.audit.trail import Trail
from whatchat.domain.actor import Actor, Visitor
from whatchat.domain.errors import (
    ChatError,
    Forbidden,
    RateLimited,
    Unauthenticated,
    Unavailable,
)
from whatchat.domain.ids import DeviceId, GrantId, UserId
from whatchat.domain.ports.limiter import Charge
from whatchat.domain.ports.store import Store
from whatchat.features.accounts import attempts as module
from whatchat.features.accounts.attempts import PasswordAttempts
from whatchat.observability.metrics import Metrics

HERE, THERE = Visitor(address="192.0.2.1"), Visitor(address="198.51.100.7")
ELSEWHERE = Visitor(address="203.0.113.1")
PHONE = DeviceId("phone")
ADA = Actor(
    user_id=UserId("ada"),
    device_id=PHONE,
    grant_id=GrantId("grant"),
    expires_at=2**40,
    address=HERE.address,
)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Counting(EmbeddedLimiter):
    """Remembers what it was asked."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.asked: list[Sequence[Charge]] = []

    async def charge(self, charges: Sequence[Charge]) -> int:
        self.asked.append(charges)
        return await super().charge(charges)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(clock: Clock) -> Counting:
    return Counting(clock)


@pytest.fixture
async def trail(store: Store) -> Trail:
    return Trail("pod", store.audit, Metrics())


@pytest.fixture
def attempts(limiter: Counting, trail: Trail) -> PasswordAttempts:
    return PasswordAttempts(limiter, trail)


async def sign_in(
    attempts: PasswordAttempts,
    error: ChatError | None = None,
    *,
    who: Visitor = HERE,
    name: str = "ada",
    device: DeviceId | None = None,
) -> None:
    async with attempts.of_sign_in(who, name, device):
        if error is not None:
            raise error


async def wrong(
    attempts: PasswordAttempts,
    times: int,
    *,
    who: Visitor = HERE,
    name: str = "ada",
    device: DeviceId | None = None,
) -> int:
    """How many of so many wrong passwords were tried before it was too much."""
    for tried in range(times):
        try:
            await sign_in(attempts, Unauthenticated(), who=who, name=name, device=device)
        except Unauthenticated:
            pass
        except RateLimited:
            return tried
    return times


async def test_wrong_passwords_for_a_name_are_few_from_one_network(
    attempts: PasswordAttempts, clock: Clock
) -> None:
    assert await wrong(attempts, 20) == 10
    with pytest.raises(RateLimited) as refused:
        await sign_in(attempts)
    assert refused.value.retry_after_ms == 30_000
    clock.now += 30
    assert await wrong(attempts, 20) == 1
    assert await wrong(attempts, 1, name="bob") == 1
    assert await wrong(attempts, 1, who=THERE) == 1


async def test_right_passwords_cost_nothing(attempts: PasswordAttempts) -> None:
    for _ in range(300):
        await sign_in(attempts)
    assert await wrong(attempts, 20) == 10


async def test_right_passwords_at_the_same_time_cost_nothing(attempts: PasswordAttempts) -> None:
    async def slowly(name: str) -> None:
        async with attempts.of_sign_in(HERE, name, None):
            await asyncio.sleep(0.001)

    await asyncio.gather(*(slowly("ada") for _ in range(100)))
    await asyncio.gather(*(slowly(f"user{number}") for number in range(100)))


async def test_wrong_passwords_at_the_same_time_are_counted_one_by_one(
    attempts: PasswordAttempts,
) -> None:
    tried = 0

    async def guess() -> None:
        nonlocal tried
        async with attempts.of_sign_in(HERE, "ada", None):
            tried += 1
            await asyncio.sleep(0)
            raise Unauthenticated

    await asyncio.gather(*(guess() for _ in range(100)), return_exceptions=True)
    assert tried == 10


async def test_what_fails_by_itself_costs_nothing(attempts: PasswordAttempts) -> None:
    for _ in range(50):
        with pytest.raises(Unavailable):
            await sign_in(attempts, Unavailable())
    assert await wrong(attempts, 20) == 10


async def test_whoever_goes_before_the_answer_pays(attempts: PasswordAttempts) -> None:
    async def wait() -> None:
        async with attempts.of_sign_in(HERE, "ada", None):
            await asyncio.Event().wait()

    for _ in range(10):
        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    assert await wrong(attempts, 1) == 0


async def test_many_networks_share_the_attempts_at_one_name(attempts: PasswordAttempts) -> None:
    tried = 0
    for number in range(20):
        tried += await wrong(attempts, 10, who=Visitor(address=f"203.0.113.{number}"))
    assert tried == 100


async def test_a_known_device_is_not_locked_out_by_others(
    attempts: PasswordAttempts, clock: Clock
) -> None:
    for number in range(20):
        await wrong(attempts, 10, who=Visitor(address=f"203.0.113.{number}"))
    await wrong(attempts, 10)
    with pytest.raises(RateLimited):
        await sign_in(attempts)
    await sign_in(attempts, device=PHONE)
    assert await wrong(attempts, 20, device=PHONE) == 10
    clock.now += 30
    assert await wrong(attempts, 20, device=PHONE) == 1


async def test_a_known_device_of_one_name_is_none_of_another(attempts: PasswordAttempts) -> None:
    assert await wrong(attempts, 20, device=PHONE) == 10
    assert await wrong(attempts, 20, device=PHONE, name="bob") == 10


async def test_one_network_tries_many_names_no_faster(
    attempts: PasswordAttempts, clock: Clock
) -> None:
    tried = 0
    for number in range(80):
        tried += await wrong(attempts, 1, name=f"user{number}")
    assert tried == 50
    clock.now += 2
    assert await wrong(attempts, 2, name="another") == 1
    assert await wrong(attempts, 1, name="another", who=THERE) == 1


async def test_the_addresses_of_one_customer_are_one_network(attempts: PasswordAttempts) -> None:
    tried = 0
    for number in range(20):
        tried += await wrong(attempts, 1, who=Visitor(address=f"2001:db8::{number:x}"))
    assert tried == 10
    assert await wrong(attempts, 1, who=Visitor(address="2001:db8:0:1::1")) == 1


async def test_names_do_not_reach_the_limiter(
    attempts: PasswordAttempts, limiter: Counting
) -> None:
    await wrong(attempts, 1, name="correct.horse")
    await wrong(attempts, 1, name="correct.horse", device=PHONE)
    assert limiter.asked
    assert "correct.horse" not in repr(limiter.asked)


async def test_a_current_password_is_tried_as_rarely(attempts: PasswordAttempts) -> None:
    async def change(*, right: bool) -> None:
        async with attempts.of_change(ADA):
            if not right:
                raise Forbidden

    for _ in range(30):
        await change(right=True)
    for _ in range(10):
        with pytest.raises(Forbidden):
            await change(right=False)
    with pytest.raises(RateLimited):
        await change(right=True)


async def test_those_who_wait_for_their_turn_are_bounded(
    attempts: PasswordAttempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", 3)
    gate = asyncio.Event()

    async def wait() -> None:
        async with attempts.of_sign_in(HERE, "ada", None):
            await gate.wait()

    waiting = [asyncio.create_task(wait()) for _ in range(3 + module.AT_ONCE)]
    await asyncio.sleep(0)
    with pytest.raises(RateLimited):
        await sign_in(attempts, name="bob")
    await sign_in(attempts, who=THERE, name="bob")
    gate.set()
    await asyncio.gather(*waiting)
    await sign_in(attempts)


async def test_nobody_waits_for_a_turn_until_there_is_no_time_left_to_use_it(
    attempts: PasswordAttempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LONGEST_WAIT_SECONDS", 0.01)
    gate = asyncio.Event()

    async def hold() -> None:
        async with attempts.of_sign_in(HERE, "ada", None):
            await gate.wait()

    holding = [asyncio.create_task(hold()) for _ in range(module.AT_ONCE)]
    await asyncio.sleep(0)
    with pytest.raises(RateLimited) as refused:
        await sign_in(attempts)
    assert refused.value.retry_after_ms == module.RETRY_AFTER_MS
    gate.set()
    await asyncio.gather(*holding)
    assert await wrong(attempts, 20) == 10  # whoever did not get a turn was charged nothing


async def test_one_network_makes_few_new_passwords_at_a_time_and_holds_nobody_else_up(
    attempts: PasswordAttempts,
) -> None:
    made, gate = 0, asyncio.Event()

    async def make() -> None:
        nonlocal made
        async with attempts.of_new(HERE):
            made += 1
            await gate.wait()

    making = [asyncio.create_task(make()) for _ in range(10)]
    await asyncio.sleep(0.01)
    assert made == module.AT_ONCE
    async with asyncio.timeout(1), attempts.of_new(THERE), attempts.of_new(ELSEWHERE):
        await sign_in(attempts)
    gate.set()
    await asyncio.gather(*making)
    assert made == 10


async def test_refusals_are_told_without_names(attempts: PasswordAttempts, trail: Trail) -> None:
    told = Told(trail)
    await wrong(attempts, 11)
    (record,) = told.of("limit.hit")
    assert record.act.outcome == "rate_limited"
    assert record.act.detail == "wrong_password"
    assert record.actor.address == HERE.address
    assert "ada" not in repr(record.act)


async def test_without_limits_there_are_none(trail: Trail) -> None:
    assert await wrong(PasswordAttempts(None, trail), 500) == 500
