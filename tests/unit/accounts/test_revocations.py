import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import pytest

from tests.unit.accounts.line import Line
from whatchat.domain.actor import Actor
from whatchat.domain.errors import Unauthenticated, Unavailable
from whatchat.domain.ids import GrantId
from whatchat.domain.polling import OVERLAP
from whatchat.domain.ports.store import Store
from whatchat.domain.times import utc_now
from whatchat.features.accounts.contract import Logout, SignedIn, TokenPair
from whatchat.features.accounts.revocations import KEPT_SECONDS, Revocations


class Pod(Protocol):
    service: Any
    revocations: Revocations
    authenticator: Any

    async def register(self, username: str, password: str = ...) -> SignedIn: ...
    async def actor(self, pair: TokenPair) -> Actor: ...


StartPod = Callable[[], Awaitable[Pod]]


async def eventually(condition: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if condition():
            return
        await asyncio.sleep(0.005)
    pytest.fail("it never came about")


async def test_a_revocation_reaches_another_pod(start_pod: StartPod) -> None:
    here, there = await start_pod(), await start_pod()
    ada = await here.register("ada")
    actor = await there.actor(ada)
    heard: list[GrantId] = []
    there.authenticator.when_revoked(heard.append)

    await here.service.logout(actor, Logout())

    await eventually(lambda: actor.grant_id in there.revocations)
    with pytest.raises(Unauthenticated):
        await there.actor(ada)
    assert heard == [actor.grant_id]


async def test_on_its_own_pod_a_revocation_waits_for_nothing(start_pod: StartPod) -> None:
    pod = await start_pod()
    ada = await pod.register("ada")
    actor = await pod.actor(ada)
    await pod.revocations.stop()
    heard: list[GrantId] = []
    pod.authenticator.when_revoked(heard.append)
    await pod.service.logout(actor, Logout())
    assert heard == [actor.grant_id]
    with pytest.raises(Unauthenticated):
        await pod.actor(ada)


async def test_a_pod_that_starts_knows_earlier_revocations(start_pod: StartPod) -> None:
    pod = await start_pod()
    ada = await pod.register("ada")
    await pod.service.logout(await pod.actor(ada), Logout())
    with pytest.raises(Unauthenticated):
        await (await start_pod()).actor(ada)


async def test_each_listener_hears_of_a_grant_once(store: Store) -> None:
    revocations = Revocations(store.accounts)
    heard: list[GrantId] = []
    revocations.listen(heard.append)
    revocations.listen(heard.append)
    revocations.revoke([GrantId("one"), GrantId("two")])
    revocations.revoke([GrantId("two"), GrantId("one")])
    assert heard == ["one", "one", "two", "two"]


async def test_a_failing_listener_keeps_nothing_from_the_others(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    revocations = Revocations(store.accounts)
    heard: list[GrantId] = []

    def fail(grant_id: GrantId) -> None:
        raise KeyError(grant_id)

    revocations.listen(fail)
    revocations.listen(heard.append)
    revocations.revoke([GrantId("one"), GrantId("two")])
    assert heard == ["one", "two"]
    assert len(caplog.records) == 2


async def test_what_was_revoked_during_an_outage_is_learnt_after_it(
    start_pod: StartPod, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere = await start_pod()
    line = Line(store.accounts, "revoked_since")
    revocations = Revocations(line, poll_seconds=0.01)
    await revocations.start()
    line.cut = True
    await eventually(lambda: "cannot be read yet" in caplog.text)
    actor = await elsewhere.actor(await elsewhere.register("ada"))
    await elsewhere.service.logout(actor, Logout())
    assert actor.grant_id not in revocations
    line.cut = False
    await eventually(lambda: actor.grant_id in revocations)
    await revocations.stop()


async def test_polls_overlap_by_the_stores_time(store: Store) -> None:
    line = Line(store.accounts, "revoked_since")
    revocations = Revocations(line, poll_seconds=0.01)
    before = utc_now()
    await revocations.start()
    await eventually(lambda: len(line.asked) > 1)
    await revocations.stop()
    assert line.asked[0] is None
    assert line.asked[1] is not None
    assert before - OVERLAP <= line.asked[1] <= utc_now() - OVERLAP


async def test_a_start_that_cannot_ask_the_store_fails(store: Store) -> None:
    line = Line(store.accounts, "revoked_since")
    line.cut = True
    with pytest.raises(Unavailable):
        await Revocations(line).start()


async def test_a_stopped_poller_asks_no_more(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    line = Line(store.accounts, "revoked_since")
    revocations = Revocations(line, poll_seconds=0)
    await revocations.start()
    await eventually(lambda: len(line.asked) > 2)
    await revocations.stop()
    await revocations.stop()
    asked = len(line.asked)
    await asyncio.sleep(0.02)
    assert len(line.asked) == asked
    assert not caplog.records


async def test_a_grant_is_forgotten_once_its_tokens_have_expired(store: Store) -> None:
    revocations = Revocations(store.accounts)
    old, new = GrantId("old"), GrantId("new")
    revocations.revoke([old])
    revocations._forget_at[old] -= KEPT_SECONDS + 1
    revocations.revoke([new])
    await revocations._poll()
    assert old not in revocations
    assert new in revocations
