import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import pytest

from tests.told import Told
from tests.unit.accounts.line import Line
from whatchat.domain.actor import Actor, Visitor
from whatchat.domain.audit import SERVER, Party
from whatchat.domain.errors import NotFound, Unauthenticated
from whatchat.domain.ids import UserId
from whatchat.domain.polling import OVERLAP
from whatchat.domain.ports.account_store import Exclusion
from whatchat.domain.ports.store import Store
from whatchat.domain.times import utc_now
from whatchat.features.accounts.contract import GetUser, Refresh, SignedIn, TokenPair
from whatchat.features.accounts.exclusions import Exclusions
from whatchat.features.accounts.moderation import AccountModeration

VISITOR = Visitor(address="192.0.2.1")
OPERATOR = Party(role="operator", address="192.0.2.9")


class Pod(Protocol):
    service: Any
    moderation: AccountModeration
    exclusions: Exclusions
    told: Told

    async def register(self, username: str, password: str = ...) -> SignedIn: ...
    async def login(self, username: str, password: str = ...) -> SignedIn: ...
    async def actor(self, pair: TokenPair) -> Actor: ...


StartPod = Callable[[], Awaitable[Pod]]


async def eventually(condition: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if condition():
            return
        await asyncio.sleep(0.005)
    pytest.fail("it never came about")


async def test_a_ban_bars_every_way_in(pod: Pod) -> None:
    ada = await pod.register("ada")
    await pod.moderation.ban(ada.user.id, by=OPERATOR, reason="spam")
    with pytest.raises(Unauthenticated):
        await pod.actor(ada)
    with pytest.raises(Unauthenticated):
        await pod.login("ada")
    with pytest.raises(Unauthenticated):
        await pod.service.refresh(VISITOR, Refresh(refresh_token=ada.refresh_token))


async def test_a_ban_reaches_another_pod_with_no_sign_in_to_revoke(start_pod: StartPod) -> None:
    here, there = await start_pod(), await start_pod()
    ada = await here.register("ada")
    heard: list[UserId] = []
    there.exclusions.listen(lambda exclusion: heard.append(exclusion.user_id))
    await here.moderation.ban(ada.user.id, by=OPERATOR)
    await eventually(lambda: ada.user.id in there.exclusions)
    with pytest.raises(Unauthenticated):
        await there.actor(ada)
    await asyncio.sleep(0.05)
    assert heard == [ada.user.id]


async def test_somebody_banned_is_told_the_same_as_with_a_wrong_password(pod: Pod) -> None:
    ada = await pod.register("ada")
    await pod.moderation.ban(ada.user.id, by=OPERATOR)
    answers = []
    for username, password in (("ada", "correct horse"), ("ada", "wrong"), ("eve", "wrong")):
        with pytest.raises(Unauthenticated) as refused:
            await pod.login(username, password)
        answers.append(refused.value.body())
    assert answers == [answers[0]] * 3


async def test_a_lifted_ban_lets_in_again(start_pod: StartPod) -> None:
    here, there = await start_pod(), await start_pod()
    ada = await here.register("ada")
    await here.moderation.ban(ada.user.id, by=OPERATOR)
    await eventually(lambda: ada.user.id in there.exclusions)
    await here.moderation.unban(ada.user.id, by=OPERATOR)
    again = await here.login("ada")
    assert (await here.actor(again)).user_id == ada.user.id
    await eventually(lambda: ada.user.id not in there.exclusions)
    assert (await there.actor(again)).user_id == ada.user.id
    with pytest.raises(Unauthenticated):
        await there.actor(ada)


async def test_others_still_see_who_is_banned(pod: Pod) -> None:
    ada, bob = await pod.register("ada"), await pod.register("bob")
    await pod.moderation.ban(ada.user.id, by=OPERATOR)
    seen = await pod.service.get_user(await pod.actor(bob), GetUser(user_id=ada.user.id))
    assert seen == ada.user


async def test_signing_out_ends_every_sign_in_and_bars_nothing(pod: Pod) -> None:
    first = await pod.register("ada")
    second = await pod.login("ada")
    assert await pod.moderation.sign_out(first.user.id, by=SERVER) == 2
    for ended in (first, second):
        with pytest.raises(Unauthenticated):
            await pod.actor(ended)
    assert (await pod.actor(await pod.login("ada"))).user_id == first.user.id
    assert await pod.moderation.sign_out(first.user.id, by=SERVER) == 1


async def test_what_others_issued_before_is_void_on_every_pod(start_pod: StartPod) -> None:
    here, there = await start_pod(), await start_pod()
    ada = (await here.register("ada")).user.id
    before, after = utc_now().timestamp() - 1, utc_now().timestamp() + 60
    assert not there.exclusions.void(ada, before)
    await here.moderation.sign_out(ada, by=SERVER)
    assert here.exclusions.void(ada, before)
    await eventually(lambda: there.exclusions.void(ada, before))
    assert not there.exclusions.void(ada, after)
    await here.moderation.ban(ada, by=SERVER)
    assert here.exclusions.void(ada, after)


async def test_every_act_is_recorded_also_when_repeated(pod: Pod) -> None:
    ada = (await pod.register("ada")).user.id
    pod.told.clear()
    for _ in range(2):
        await pod.moderation.sign_out(ada, by=SERVER)
        await pod.moderation.ban(ada, by=OPERATOR, reason="what an operator typed")
        await pod.moderation.unban(ada, by=OPERATOR)
    told = [(one.actor, one.act.kind, one.act.user_id) for one in pod.told.records]
    assert told == 2 * [
        (SERVER, "account.signed_out", ada),
        (OPERATOR, "account.banned", ada),
        (OPERATOR, "account.unbanned", ada),
    ]
    assert "typed" not in repr(pod.told.records)


async def test_nobody_is_not_found_and_not_recorded(pod: Pod) -> None:
    nobody = UserId("nobody")
    for work in (pod.moderation.sign_out, pod.moderation.ban, pod.moderation.unban):
        with pytest.raises(NotFound):
            await work(nobody, by=OPERATOR)
    assert pod.told.records == []


async def test_a_pod_that_starts_knows_earlier_bans(start_pod: StartPod) -> None:
    pod = await start_pod()
    ada = await pod.register("ada")
    await pod.moderation.ban(ada.user.id, by=OPERATOR)
    assert ada.user.id in (await start_pod()).exclusions


async def test_a_ban_made_during_an_outage_is_learnt_after_it(
    start_pod: StartPod, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere = await start_pod()
    ada = await elsewhere.register("ada")
    line = Line(store.accounts, "excluded_since")
    exclusions = Exclusions(line, poll_seconds=0.01)
    await exclusions.start()
    line.cut = True
    await eventually(lambda: "cannot be read yet" in caplog.text)
    await elsewhere.moderation.ban(ada.user.id, by=OPERATOR)
    assert ada.user.id not in exclusions
    line.cut = False
    await eventually(lambda: ada.user.id in exclusions)
    await exclusions.stop()


async def test_polls_overlap_by_the_stores_time(store: Store) -> None:
    line = Line(store.accounts, "excluded_since")
    exclusions = Exclusions(line, poll_seconds=0.01)
    before = utc_now()
    await exclusions.start()
    await eventually(lambda: len(line.asked) > 1)
    await exclusions.stop()
    assert line.asked[0] is None
    assert line.asked[1] is not None
    assert before - OVERLAP <= line.asked[1] <= utc_now() - OVERLAP


async def test_what_is_older_than_what_is_known_changes_nothing(pod: Pod, store: Store) -> None:
    ada = (await pod.register("ada")).user.id
    exclusions = Exclusions(store.accounts)
    banned = (await store.accounts.ban(ada)).exclusion
    lifted = await store.accounts.unban(ada)
    assert lifted is not None
    exclusions.take(lifted)
    exclusions.take(banned)
    assert ada not in exclusions


async def test_a_failing_listener_keeps_nothing_from_the_others(
    pod: Pod, caplog: pytest.LogCaptureFixture
) -> None:
    ada = (await pod.register("ada")).user.id
    heard: list[UserId] = []

    def fail(exclusion: Exclusion) -> None:
        raise KeyError(exclusion.user_id)

    pod.exclusions.listen(fail)
    pod.exclusions.listen(lambda exclusion: heard.append(exclusion.user_id))
    await pod.moderation.ban(ada, by=OPERATOR)
    assert heard == [ada]
    assert "a listener failed" in caplog.text
