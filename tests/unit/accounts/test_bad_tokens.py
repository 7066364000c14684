"""How many tokens may be no good."""

from collections.abc import Callable

import pytest

from tests.told import Told
from whatchat.audit.trail import Trail
from whatchat.domain.actor import Actor
from whatchat.domain.errors import RateLimited, Unauthenticated
from whatchat.domain.ids import DeviceId, GrantId, UserId
from whatchat.domain.ports.store import Store
from whatchat.features.accounts.bad_tokens import BAD_TOKENS, BadTokens, CountingAuthenticator
from whatchat.observability.metrics import Metrics

HERE, THERE = "192.0.2.1", "198.51.100.7"


class One:
    """Takes one token."""

    async def authenticate(self, token: str, address: str) -> Actor:
        if token != "good":
            raise Unauthenticated
        return Actor(
            user_id=UserId("ada"),
            device_id=DeviceId("phone"),
            grant_id=GrantId("grant"),
            expires_at=2**40,
            address=address,
        )

    def when_revoked(self, notify: Callable[[GrantId], None]) -> None:
        notify(GrantId("heard"))


async def refused(authenticator: CountingAuthenticator, address: str, times: int) -> list[str]:
    """The answers to so many bad tokens."""
    codes: list[str] = []
    for _ in range(times):
        with pytest.raises((Unauthenticated, RateLimited)) as refusal:
            await authenticator.authenticate("bad", address)
        codes.append(refusal.value.code)
    return codes


async def test_a_network_with_too_many_bad_tokens_has_to_wait(store: Store) -> None:
    trail = Trail("pod", store.audit, Metrics())
    told = Told(trail)
    authenticator = CountingAuthenticator(One(), BadTokens(trail))
    assert await refused(authenticator, HERE, BAD_TOKENS.burst) == (
        ["unauthenticated"] * BAD_TOKENS.burst
    )
    assert not told.records
    with pytest.raises(RateLimited) as refusal:
        await authenticator.authenticate("bad", HERE)
    assert 0 < (refusal.value.retry_after_ms or 0) <= 1_000
    assert [one.actor.address for one in told.of("limit.hit")] == [HERE]
    assert await refused(authenticator, THERE, 1) == ["unauthenticated"]


async def test_good_tokens_of_that_network_stay_good(store: Store) -> None:
    trail = Trail("pod", store.audit, Metrics())
    authenticator = CountingAuthenticator(One(), BadTokens(trail))
    await refused(authenticator, HERE, BAD_TOKENS.burst + 5)
    assert (await authenticator.authenticate("good", HERE)).user_id == "ada"


async def test_without_limits_nothing_is_counted(store: Store) -> None:
    trail = Trail("pod", store.audit, Metrics())
    authenticator = CountingAuthenticator(One(), BadTokens(trail, limited=False))
    assert set(await refused(authenticator, HERE, BAD_TOKENS.burst + 5)) == {"unauthenticated"}


async def test_revocations_are_heard_of_through_it(store: Store) -> None:
    heard: list[GrantId] = []
    trail = Trail("pod", store.audit, Metrics())
    CountingAuthenticator(One(), BadTokens(trail)).when_revoked(heard.append)
    assert heard == ["heard"]
