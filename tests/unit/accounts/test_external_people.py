import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from tests.servers.issuer import Issuer
from tests.unit.accounts.conftest import VISITOR, Pod
from tests.unit.accounts.line import Line
from whatchat.adapters.web.documents import HttpDocuments
from whatchat.audit.trail import Trail
from whatchat.domain.actor import Actor
from whatchat.domain.audit import SERVER, Record
from whatchat.domain.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from whatchat.domain.ports.store import Store
from whatchat.domain.times import utc_now
from whatchat.features.accounts import external_people
from whatchat.features.accounts.access_tokens import AccessTokens
from whatchat.features.accounts.authenticator import TokenAuthenticator
from whatchat.features.accounts.contract import (
    ChangePassword,
    GetMe,
    ListDevices,
    Login,
    Logout,
    SignOutDevice,
)
from whatchat.features.accounts.external_people import ExternalPeople
from whatchat.features.accounts.external_tokens import ExternalTokens
from whatchat.features.accounts.issuer_keys import IssuerKeys
from whatchat.features.accounts.keys import KeyRing
from whatchat.observability.metrics import Metrics

SECRET = b"s" * 32


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


@pytest.fixture
def records() -> list[Record]:
    """What the audit log was told."""
    return []


Door = Callable[..., Awaitable[TokenAuthenticator]]


@pytest.fixture
async def door(issuer: Issuer, store: Store, records: list[Record]) -> AsyncIterator[Door]:
    """Lets people of the issuer in on a pod, over a line to the store that can be watched."""
    started: list[IssuerKeys] = []

    async def make(pod: Pod, accounts: object = None) -> TokenAuthenticator:
        keys = IssuerKeys(issuer.url, HttpDocuments(), Metrics())
        await keys.start()
        started.append(keys)
        trail = Trail("pod", store.audit, Metrics())
        trail.listen(records.extend)
        people = ExternalPeople(
            ExternalTokens(issuer.url, "chat", keys),
            accounts or store.accounts,  # type: ignore[arg-type]
            pod.exclusions,
            trail,
            secret=(await store.identity()).secret,
        )
        tokens = AccessTokens(KeyRing.of_secret(SECRET))
        return TokenAuthenticator(tokens, pod.revocations, pod.exclusions, external=people)

    yield make
    for keys in started:
        await keys.stop()


async def enter(door: TokenAuthenticator, token: str) -> Actor:
    return await door.authenticate(token, VISITOR.address)


async def refuse(door: TokenAuthenticator, token: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        await enter(door, token)
    assert caught.value.body() == Unauthenticated().body()


class TestProvisioning:
    async def test_at_first_sight_somebody_has_an_account(
        self, pod: Pod, door: Door, issuer: Issuer
    ) -> None:
        token = issuer.token(preferred_username="Ada@example.org", name="Ada Lovelace")
        actor = await enter(await door(pod), token)
        me = await pod.service.get_me(actor, GetMe())
        assert (me.username, me.display_name) == ("ada", "Ada Lovelace")
        assert len(actor.user_id) <= 32

    async def test_it_is_the_same_account_ever_after_on_every_pod(
        self, start_pod: Callable[[], Awaitable[Pod]], door: Door, issuer: Issuer
    ) -> None:
        doors = [await door(await start_pod()) for _ in range(3)]
        actors = await asyncio.gather(
            *(
                enter(one, issuer.token(sid=sid, preferred_username=name))
                for one in doors
                for sid, name in (("a", "ada"), ("b", "lovelace"), ("c", "ada"))
            )
        )
        assert len({actor.user_id for actor in actors}) == 1
        assert len({actor.device_id for actor in actors}) == 3
        assert len({actor.grant_id for actor in actors}) == 3

    async def test_a_name_that_is_taken_gets_a_suffix(
        self, pod: Pod, door: Door, issuer: Issuer
    ) -> None:
        ada = await pod.register("ada")
        one = await door(pod)
        names = []
        for sub in ("1", "2"):
            actor = await enter(one, issuer.token(sub=sub, preferred_username="ada"))
            names.append((await pod.service.get_me(actor, GetMe())).username)
            assert actor.user_id != ada.user.id
        assert all(name.startswith("ada_") for name in names)
        assert len(set(names)) == 2

    async def test_nobody_takes_over_an_account_by_its_id(
        self, pod: Pod, door: Door, issuer: Issuer
    ) -> None:
        ada = await pod.register("ada")
        for sub in (ada.user.id, "ada"):
            actor = await enter(await door(pod), issuer.token(sub=sub))
            assert actor.user_id != ada.user.id

    async def test_no_password_is_right(self, pod: Pod, door: Door, issuer: Issuer) -> None:
        actor = await enter(await door(pod), issuer.token())
        for password in ("password", " ", "$argon2id$"):
            with pytest.raises(Unauthenticated):
                await pod.service.login(VISITOR, Login(username="ada", password=password))
        command = ChangePassword(current_password="x" * 8, new_password="correct horse battery")
        with pytest.raises(Forbidden):
            await pod.service.change_password(actor, command)

    async def test_whom_the_store_knows_costs_no_round_trip(
        self, pod: Pod, door: Door, issuer: Issuer, store: Store
    ) -> None:
        line = Line(store.accounts, "by_ids")
        one = await door(pod, line)
        end = int(time.time()) + 300
        await enter(one, issuer.token(exp=end))
        line.cut = True
        await enter(one, issuer.token(exp=end))
        later = end + 300
        with pytest.raises(Unavailable):
            await enter(one, issuer.token(exp=later))
        with pytest.raises(Unavailable):
            await enter(one, issuer.token(sid="another"))

    async def test_few_are_kept_in_memory(
        self, pod: Pod, door: Door, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(external_people, "MAX_KNOWN", 3)
        one = await door(pod)
        for number in range(6):
            await enter(one, issuer.token(sid=f"{number}"))
        assert one._external is not None
        assert len(one._external._known) == 3

    async def test_a_token_without_any_session_is_refused(
        self, pod: Pod, door: Door, issuer: Issuer
    ) -> None:
        await refuse(await door(pod), issuer.token(sid=None, iat=None))

    async def test_the_audit_log_has_each_session_once(
        self, pod: Pod, door: Door, issuer: Issuer, records: list[Record]
    ) -> None:
        one, again = await door(pod), await door(pod)
        for door_ in (one, one, again):
            actor = await enter(door_, issuer.token())
        told = [record.act for record in records]
        assert [(act.kind, act.detail, act.user_id) for act in told] == [
            ("account.registered", "external", actor.user_id),
            ("sign_in", "external", actor.user_id),
        ]

    async def test_it_has_it_once_also_when_many_pods_meet_it_at_once(
        self, pod: Pod, door: Door, issuer: Issuer, records: list[Record]
    ) -> None:
        doors = [await door(pod) for _ in range(3)]
        token = issuer.token()
        await asyncio.gather(*(enter(one, token) for one in doors * 2))
        assert [one.act.kind for one in records] == ["account.registered", "sign_in"]


class TestDevices:
    async def test_a_session_is_a_device_that_can_be_signed_out(
        self, pod: Pod, door: Door, issuer: Issuer
    ) -> None:
        one = await door(pod)
        here = await enter(one, issuer.token(sid="here"))
        there = await enter(one, issuer.token(sid="there"))
        listed = (await pod.service.list_devices(here, ListDevices())).devices
        assert {device.id for device in listed} == {here.device_id, there.device_id}
        assert all("127.0.0.1" in device.name for device in listed)

        await pod.service.sign_out_device(here, SignOutDevice(device_id=there.device_id))
        await refuse(one, issuer.token(sid="there"))
        await enter(one, issuer.token(sid="here"))
        with pytest.raises(NotFound):
            await pod.service.sign_out_device(here, SignOutDevice(device_id=there.device_id))

    async def test_signed_out_is_for_ever_whatever_the_pod_remembers(
        self,
        start_pod: Callable[[], Awaitable[Pod]],
        door: Door,
        issuer: Issuer,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        pod = await start_pod()
        one = await door(pod)
        await pod.service.logout(await enter(one, issuer.token()), Logout())
        await refuse(one, issuer.token())
        # As later, when nobody remembers the revocation: a pod that has just started, and ours.
        pod.revocations._forget_at.clear()
        await pod.revocations.stop()
        monkeypatch.setattr(external_people, "KNOWN_SECONDS", -1.0)
        await refuse(await door(pod), issuer.token())
        assert one._external is not None
        one._external._known.clear()
        await refuse(one, issuer.token(exp=int(time.time()) + 3_600))

    async def test_who_is_refused_costs_one_round_trip(
        self, pod: Pod, door: Door, issuer: Issuer, store: Store
    ) -> None:
        await pod.service.logout(await enter(await door(pod), issuer.token()), Logout())
        pod.revocations._forget_at.clear()
        line = Line(store.accounts, "by_ids")
        one = await door(pod, line)
        await refuse(one, issuer.token())
        line.cut = True
        await refuse(one, issuer.token(exp=int(time.time()) + 3_600))

    async def test_another_pod_hears_of_it(
        self, start_pod: Callable[[], Awaitable[Pod]], door: Door, issuer: Issuer
    ) -> None:
        here, there = await start_pod(), await start_pod()
        first, second = await door(here), await door(there)
        await enter(second, issuer.token())
        actor = await enter(first, issuer.token())
        await here.service.logout(actor, Logout())
        for _ in range(500):
            if actor.grant_id in there.revocations:
                break
            await asyncio.sleep(0.005)
        await refuse(second, issuer.token())

    async def test_a_ban_is_in_force(self, pod: Pod, door: Door, issuer: Issuer) -> None:
        one = await door(pod)
        actor = await enter(one, issuer.token())
        await pod.moderation.ban(actor.user_id, by=SERVER)
        await refuse(one, issuer.token())
        await refuse(one, issuer.token(sid="another"))

    async def test_a_sign_out_everywhere_while_the_store_is_asked_is_in_force(
        self, pod: Pod, door: Door, issuer: Issuer, store: Store
    ) -> None:
        token = issuer.token(iat=int(time.time()) - 5)
        actor = await enter(await door(pod), token)

        class Meanwhile(Line):
            async def _ask(self, moment: Any) -> Any:
                await pod.moderation.sign_out(actor.user_id, by=SERVER)
                return await super()._ask(moment)

        late = await door(pod, Meanwhile(store.accounts, "by_ids"))
        await refuse(late, issuer.token(sid="another", iat=int(time.time()) - 5))

    async def test_what_was_issued_before_a_sign_out_everywhere_is_void(
        self, pod: Pod, door: Door, issuer: Issuer
    ) -> None:
        one = await door(pod)
        kept = issuer.token(sid="unused", iat=int(time.time()) - 5)
        actor = await enter(one, issuer.token())
        await pod.moderation.sign_out(actor.user_id, by=SERVER)
        await refuse(one, kept)
        await enter(one, issuer.token(sid="new", iat=int(time.time()) + 2))


class TestConfusion:
    async def test_neither_issuer_speaks_for_the_other(
        self, pod: Pod, door: Door, issuer: Issuer
    ) -> None:
        one = await door(pod)
        ada = await pod.register("ada")
        actor = await pod.actor(ada)
        ours = issuer.token(
            iss="whatchat", aud="whatchat", sub=actor.user_id, did=actor.device_id, gid="g"
        )
        await refuse(one, ours)
        theirs = AccessTokens(KeyRing.of_secret(SECRET), issuer=issuer.url, audience="chat")
        ids = (actor.user_id, actor.device_id, actor.grant_id)
        forged = theirs.issue(*ids, jti="j", at=utc_now())
        await refuse(one, forged)
        assert await enter(one, ada.access_token) == actor

    async def test_without_an_issuer_its_tokens_are_nothing(self, pod: Pod, issuer: Issuer) -> None:
        await refuse(pod.authenticator, issuer.token())
