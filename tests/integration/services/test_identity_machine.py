"""People on two pods against a model: whose tokens are good where, and what the audit log has."""

import asyncio
import time
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec import UNSET

from tests.integration.services.conftest import Stage, staged, store_of
from tests.integration.services.identity_model import (
    GOOD,
    REFUSED,
    Done,
    Issued,
    Person,
    Register,
    SignIn,
)
from tests.servers.issuer import AUDIENCE, Issuer
from tests.told import Told
from whatchat.adapters.web.documents import HttpDocuments
from whatchat.audit.chain import GENESIS, digest_of
from whatchat.audit.handing_out import HandingOut
from whatchat.audit.sealing import Sealing
from whatchat.audit.trail import Trail
from whatchat.domain.actor import Actor, Visitor
from whatchat.domain.audit import Act, Kind, Party, Record
from whatchat.domain.errors import ChatError
from whatchat.domain.ids import DeviceId, GrantId, UserId, random_id
from whatchat.domain.ports.store import Store
from whatchat.domain.times import Clock, from_millis, utc_now
from whatchat.features.accounts import contract
from whatchat.features.accounts.access_tokens import LIFETIME_SECONDS, AccessTokens
from whatchat.features.accounts.authenticator import TokenAuthenticator
from whatchat.features.accounts.contract import ChangePassword, Login, Logout, Refresh, SignedIn
from whatchat.features.accounts.directory import CachedUserDirectory
from whatchat.features.accounts.exclusions import Exclusions
from whatchat.features.accounts.external_people import ExternalPeople
from whatchat.features.accounts.external_tokens import ExternalTokens
from whatchat.features.accounts.issuer_keys import IssuerKeys
from whatchat.features.accounts.keys import KeyRing
from whatchat.features.accounts.moderation import AccountModeration
from whatchat.features.accounts.passwords import PasswordHasher
from whatchat.features.accounts.refresh_tokens import RefreshTokens
from whatchat.features.accounts.revocations import Revocations
from whatchat.features.accounts.service import AccountService
from whatchat.features.accounts.sign_ins import SignIns
from whatchat.observability.metrics import Metrics

pytestmark = [pytest.mark.timeout(3_600), pytest.mark.no_cover]

VISITOR = Visitor(address="192.0.2.1")
OPERATOR = Party(role="operator", address="192.0.2.9")
NEVER = 3_600.0
PASSWORDS = ("seven dull otters", "a lamp beside rust", "quilted harbour 91")
AT_MOST_AHEAD = timedelta(days=80)
"""Devices unseen for 90 days may be forgotten."""


class FrozenClock:
    """The time, which goes on when it is told."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.began = self.now = utc_now()

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now = min(self.now + by, self.began + AT_MOST_AHEAD)


@dataclass
class IdentityPod:
    """What a pod has of identity; it asks the store when it is told to."""

    accounts: AccountService
    revocations: Revocations
    exclusions: Exclusions
    moderation: AccountModeration
    authenticator: TokenAuthenticator
    people: ExternalPeople
    trail: Trail
    told: Told
    heard: list[GrantId]
    put_out: list[UserId]

    async def enter(self, token: str) -> Actor:
        return await self.authenticator.authenticate(token, VISITOR.address)


@dataclass
class Ward:
    """Two pods, the issuer that both trust, and whoever seals their records."""

    stage: Stage
    clock: FrozenClock
    issuer: Issuer
    pods: list[IdentityPod]
    sealing: Sealing

    @property
    def store(self) -> Store:
        return self.stage.house.store

    def run(self, work: Coroutine[None, None, Any]) -> Any:
        return self.stage.run(work)


async def _pod(
    name: str, store: Store, issuer: Issuer, clock: Clock, closing: AsyncExitStack
) -> IdentityPod:
    secret = (await store.identity()).secret
    revocations = Revocations(store.accounts, poll_seconds=NEVER)
    exclusions = Exclusions(store.accounts, poll_seconds=NEVER)
    keys = IssuerKeys(issuer.url, HttpDocuments(), Metrics())
    for one in (revocations, exclusions, keys):
        await one.start()
        closing.push_async_callback(one.stop)
    passwords = PasswordHasher(memory_kib=8, passes=1, workers=1)
    closing.push_async_callback(passwords.close)
    trail = Trail(name, store.audit, Metrics())
    access = AccessTokens(KeyRing.of_secret(b"s" * 32))
    sign_ins = SignIns(store.accounts, access, RefreshTokens(secret), revocations, clock=clock)
    tokens = ExternalTokens(issuer.url, AUDIENCE, keys)
    people = ExternalPeople(tokens, store.accounts, exclusions, trail, secret=secret, clock=clock)
    heard, put_out = list[GrantId](), list[UserId]()
    revocations.listen(heard.append)
    exclusions.listen(lambda exclusion: put_out.append(exclusion.user_id))
    return IdentityPod(
        accounts=AccountService(
            store.accounts,
            passwords,
            sign_ins,
            revocations,
            CachedUserDirectory(store.accounts),
            trail,
            clock=clock,
        ),
        revocations=revocations,
        exclusions=exclusions,
        moderation=AccountModeration(store.accounts, revocations, exclusions, trail),
        authenticator=TokenAuthenticator(access, revocations, exclusions, external=people),
        people=people,
        trail=trail,
        told=Told(trail),
        heard=heard,
        put_out=put_out,
    )


pods = st.integers(0, 1)
locals_ = st.integers(0, 1)
everybody = st.sampled_from((0, 0, 1, 2, 2))
places = st.integers(0, 50)
nonces = st.sampled_from((None, "nonce-a-0123456789", "nonce-b-0123456789"))
times = st.sampled_from(
    [timedelta(seconds=one) for one in (1, 59, 60, 61, 900)]
    + [timedelta(days=one) for one in (1, 29, 30, 31)]
)


class Attempt(NamedTuple):
    """What came of something: an answer, or why it was refused."""

    code: str
    answer: Any = None


async def attempt(work: Coroutine[None, None, Any]) -> Attempt:
    try:
        return Attempt(GOOD, await work)
    except ChatError as error:
        return Attempt(error.code)


class IdentityMachine(RuleBasedStateMachine):
    def __init__(self, ward: Ward) -> None:
        super().__init__()
        self.ward = ward
        self.pods = ward.pods
        self.model = Register()

    @property
    def now(self) -> datetime:
        return self.ward.clock.now

    @initialize(pod=pods)
    def begin(self, pod: int) -> None:
        self.ward.clock.start()
        self.run(self._begin(pod))

    def run(self, work: Coroutine[None, None, Any]) -> Any:
        return self.ward.run(work)

    async def _begin(self, pod: int) -> None:
        for one in self.pods:
            await self._poll(one)
            one.told.clear()
            one.heard.clear()
            one.put_out.clear()
        last = await self.ward.store.audit.last()
        self.sealed = last.seq if last else 0
        self.people: list[Person] = []
        for _ in range(2):
            name = f"p-{random_id()[:12]}".lower()
            person = Person(UserId(""), name, PASSWORDS[0])
            command = contract.Register(username=name, password=PASSWORDS[0])
            answer = await self.pods[pod].accounts.register(VISITOR, command)
            person.user_id = answer.user.id
            self._signed_in(pod, person, answer)
            self.model.tell(pod, "account.registered", user=person.user_id, device=answer.device_id)
            self.people.append(person)
        sub = random_id()
        stranger = self._id("user", sub)
        self.people.append(Person(UserId(stranger), sub, exists=False))

    def _id(self, kind: str, *parts: str) -> str:
        return self.pods[0].people._digest(kind, self.ward.issuer.url, *parts)

    def _signed_in(self, pod: int, person: Person, answer: SignedIn) -> SignIn:
        grant = GrantId(answer.refresh_token.partition(".")[0])
        pair = contract.TokenPair(
            access_token=answer.access_token,
            refresh_token=answer.refresh_token,
            expires_in=answer.expires_in,
        )
        assert answer.expires_in <= LIFETIME_SECONDS
        return self.model.begin(person, answer.device_id, grant, pair, self.now)

    # Passwords

    @rule(pod=pods, who=locals_, is_right=st.booleans(), device=st.none() | places)
    def log_in(self, pod: int, who: int, is_right: bool, device: int | None) -> None:
        person = self.people[who]
        named = self._device(device)
        password = person.password if is_right else "something else"
        got = self.run(self._login(pod, person.username, password, named))
        expected = GOOD if is_right and not person.is_banned else REFUSED
        assert got.code == expected
        if got.code:
            self.model.tell(pod, "sign_in", outcome=REFUSED, user=person.user_id)
            return
        is_known = (person.user_id, named) in self.model.seen
        assert (got.answer.device_id == named) == is_known
        self.model.logged_in(pod, person, got.answer.device_id)
        self._signed_in(pod, person, got.answer)

    @rule(pod=pods)
    def log_in_as_nobody(self, pod: int) -> None:
        got = self.run(self._login(pod, f"n-{random_id()[:12]}".lower(), PASSWORDS[0], None))
        assert got.code == REFUSED
        self.model.tell(pod, "sign_in", outcome=REFUSED)

    async def _login(self, pod: int, name: str, password: str, device: DeviceId | None) -> Attempt:
        command = Login(username=name, password=password, device_id=device or UNSET)
        return await attempt(self.pods[pod].accounts.login(VISITOR, command))

    def _device(self, place: int | None) -> DeviceId | None:
        """Somebody's."""
        known = sorted(self.model.seen)
        return None if place is None or not known else known[place % len(known)][1]

    @rule(pod=pods, place=places, is_right=st.booleans(), new=st.sampled_from(PASSWORDS))
    def change_password(self, pod: int, place: int, is_right: bool, new: str) -> None:
        one = self._local(place)
        actor = self._actor(pod, one)
        if actor is None:
            return
        person = one.person
        current = person.password if is_right else "something else"
        command = ChangePassword(current_password=current, new_password=new)
        got = self.run(attempt(self.pods[pod].accounts.change_password(actor, command)))
        assert got.code == ("" if is_right else "forbidden")
        outcome = got.code or "ok"
        self.model.tell(pod, "password.changed", outcome=outcome, user=person.user_id)
        if is_right:
            person.password = new
            others = [one_ for one_ in self.model.of_user(person) if one_.device != one.device]
            self.model.end(pod, others)

    # Tokens

    def _local(self, place: int) -> SignIn:
        some = [one for one in self.model.sign_ins.values() if one.pairs]
        return some[-1 - place % len(some)]

    def _actor(self, pod: int, one: SignIn) -> Actor | None:
        """Whom its latest access token speaks for, if that is good here."""
        got = self.run(attempt(self.pods[pod].enter(one.pairs[-1].access_token)))
        assert got.code == self.model.views[pod].access(one)
        actor: Actor | None = got.answer
        return actor

    @rule(pod=pods, place=places, age=st.sampled_from((0, 0, 0, 1, 1, 2, 5)), nonce=nonces)
    def refresh(self, pod: int, place: int, age: int, nonce: str | None) -> None:
        one = self._local(place)
        token = one.pairs[-1 - age % len(one.pairs)].refresh_token
        got = self.run(self._refresh(pod, token, nonce))
        expected = self.model.refresh(pod, one, token, nonce, self.now)
        assert got.code == (REFUSED if expected == REFUSED else GOOD)
        if expected == "new":
            self.model.refreshed(one, token, nonce, got.answer, self.now)
        if expected == "again":
            self._same(got.answer, one.exchanges[token].pair)

    def _same(self, pair: contract.TokenPair, other: contract.TokenPair) -> None:
        assert pair.access_token == other.access_token
        assert pair.refresh_token == other.refresh_token

    @rule(place=places, nonce=nonces)
    def refresh_twice_at_once(self, place: int, nonce: str | None) -> None:
        one = self._local(place)
        token = one.pairs[-1].refresh_token
        works = [self._refresh(pod, token, nonce) for pod in (0, 1)]
        got = self.run(_together(*works))
        if self.model.refresh(0, one, token, nonce, self.now) == REFUSED:
            assert [each.code for each in got] == [REFUSED] * 2
            return
        first = next(index for index, each in enumerate(got) if not each.code)
        self.model.refreshed(one, token, nonce, got[first].answer, self.now)
        second = self.model.refresh(1 - first, one, token, nonce, self.now)
        assert got[1 - first].code == (REFUSED if second == REFUSED else GOOD)
        if second == "again":
            self._same(got[0].answer, got[1].answer)

    async def _refresh(self, pod: int, token: str, nonce: str | None) -> Attempt:
        command = Refresh(refresh_token=token, nonce=nonce or UNSET)
        return await attempt(self.pods[pod].accounts.refresh(VISITOR, command))

    @rule(pod=pods, place=places)
    def log_out(self, pod: int, place: int) -> None:
        one = self._local(place)
        if actor := self._actor(pod, one):
            self._log_out(pod, actor)

    def _log_out(self, pod: int, actor: Actor) -> None:
        self.run(self.pods[pod].accounts.logout(actor, Logout()))
        if self.model.end(pod, self.model.on_device(actor.user_id, actor.device_id)):
            self.model.tell(pod, "sign_out", device=actor.device_id)

    @rule(pod=pods, place=places, device=places)
    def sign_out_a_device(self, pod: int, place: int, device: int) -> None:
        one = self._local(place)
        actor = self._actor(pod, one)
        other = self._device(device)
        if actor is None or other is None:
            return
        command = contract.SignOutDevice(device_id=other)
        got = self.run(attempt(self.pods[pod].accounts.sign_out_device(actor, command)))
        is_done = self.model.end(pod, self.model.on_device(actor.user_id, other))
        assert got.code == ("" if is_done else "not_found")
        if is_done:
            self.model.tell(pod, "device.signed_out", user=actor.user_id, device=other)

    # People of an issuer elsewhere

    def _issued(self, session: str, minutes: int) -> Issued:
        person = self.people[2]
        name = person.username
        time.sleep(0.002)  # a token and the end of all sign-ins are not of the same moment
        now = time.time()
        ends = int(now) + 60 * minutes
        text = self.ward.issuer.token(sub=name, sid=session, iat=now, exp=ends)
        session = f"sid:{session}"
        device = DeviceId(self._id("device", name, session))
        grant = GrantId(self._id("grant", name, session))
        return Issued(person, session, device, grant, ends, person.ousted, text)

    @rule(
        where=st.sampled_from(((0,), (1,), (0, 1))),
        session=st.sampled_from("abc"),
        minutes=st.sampled_from((10, 20)),
        logs_out=st.sampled_from((False, False, True)),
    )
    def enter(self, where: tuple[int, ...], session: str, minutes: int, logs_out: bool) -> None:
        token = self._issued(session, minutes)
        self._enter(where, token, logs_out=logs_out)

    def _enter(self, where: tuple[int, ...], token: Issued, *, logs_out: bool = False) -> None:
        ends = from_millis(token.ends * 1_000)
        works = [attempt(self.pods[pod].enter(token.text)) for pod in where]
        before = self._told()
        got = self.run(_together(*works))
        expected = [self.model.enter(pod, token, self.now, ends) for pod in where]
        assert [each.code for each in got] == expected
        if len(where) == 2:
            self._either_told(before)
        for each in got:
            if each.answer:
                told = (each.answer.user_id, each.answer.device_id, each.answer.grant_id)
                assert told == (token.person.user_id, token.device, token.grant)
        if logs_out and got[0].answer:
            self._log_out(where[0], got[0].answer)

    def _either_told(self, before: Counter[Done]) -> None:
        """Of what two pods do at once, the model knows not which of them was first."""
        for one in self._told() - before:
            twin = one._replace(pod=1 - one.pod)
            lacking = self.model.done[one] < self._told()[one]
            if lacking and self.model.done[twin] > self._told()[twin]:
                self.model.done[twin] -= 1
                self.model.done[one] += 1

    @rule(session=st.sampled_from("abc"), pod=pods, is_banned=st.booleans())
    def keep_a_token_for_later(self, session: str, pod: int, is_banned: bool) -> None:
        """A token that was issued before all sign-ins were ended, and is used after that."""
        token = self._issued(session, 10)
        self.oust(pod, 2, is_banned=is_banned)
        self._enter((pod,), token)
        self._enter((1 - pod,), token)

    # Operators

    @rule(pod=pods, who=everybody, is_banned=st.booleans())
    def oust(self, pod: int, who: int, is_banned: bool) -> None:
        """Sign somebody out everywhere, or ban them."""
        person = self.people[who]
        time.sleep(0.002)
        moderation = self.pods[pod].moderation
        work = moderation.ban if is_banned else moderation.sign_out
        got = self.run(attempt(work(person.user_id, by=OPERATOR)))
        assert got.code == ("" if person.exists else "not_found")
        if person.exists:
            ended = self.model.oust(pod, person, bans=is_banned)
            assert is_banned or got.answer == ended
            kind: Kind = "account.banned" if is_banned else "account.signed_out"
            self.model.tell(pod, kind, user=person.user_id)

    @rule(pod=pods, who=everybody)
    def unban(self, pod: int, who: int) -> None:
        person = self.people[who]
        got = self.run(attempt(self.pods[pod].moderation.unban(person.user_id, by=OPERATOR)))
        assert got.code == ("" if person.exists else "not_found")
        if person.exists:
            if person.is_banned:
                person.is_banned = False
                self.model.views[pod].hear(person)
            self.model.tell(pod, "account.unbanned", user=person.user_id)

    # What happens at the same time

    @rule(pod=pods, who=locals_)
    def log_in_while_being_banned(self, pod: int, who: int) -> None:
        person = self.people[who]
        banning = attempt(self.pods[1 - pod].moderation.ban(person.user_id, by=OPERATOR))
        logging_in = self._login(pod, person.username, person.password, None)
        got, _ = self.run(_together(logging_in, banning))
        self._raced(pod, person, got)
        self.model.oust(1 - pod, person, bans=True)
        self.model.tell(1 - pod, "account.banned", user=person.user_id)

    @rule(pod=pods, place=places, new=st.sampled_from(PASSWORDS))
    def log_in_while_the_password_changes(self, pod: int, place: int, new: str) -> None:
        one = self._local(place)
        person, old = one.person, one.person.password
        actor = self._actor(1 - pod, one)
        if actor is None or old == new or person.is_banned:
            return
        command = ChangePassword(current_password=old, new_password=new)
        changing = attempt(self.pods[1 - pod].accounts.change_password(actor, command))
        logging_in = self._login(pod, person.username, old, None)
        got, changed = self.run(_together(logging_in, changing))
        assert not changed.code
        person.password = new
        self._raced(pod, person, got)
        others = [each for each in self.model.of_user(person) if each.device != one.device]
        self.model.end(1 - pod, others)
        self.model.tell(1 - pod, "password.changed", user=person.user_id)

    def _raced(self, pod: int, person: Person, got: Attempt) -> None:
        """Either it was too late, or it is over again."""
        if got.code:
            assert got.code == REFUSED
            self.model.tell(pod, "sign_in", outcome=REFUSED, user=person.user_id)
        else:
            self.model.logged_in(pod, person, got.answer.device_id)
            self._signed_in(pod, person, got.answer)

    # Time, and what pods hear of each other

    @rule(by=times)
    def wait(self, by: timedelta) -> None:
        self.ward.clock.advance(by)

    @rule(pod=pods, what=st.sampled_from(("both", "both", "revocations", "exclusions")))
    def poll(self, pod: int, what: str) -> None:
        view = self.model.views[pod]
        if what != "exclusions":
            self.run(self.pods[pod].revocations._poll())
            ended = [one.grant for one in self.model.sign_ins.values() if not one.in_force]
            view.revoked.update(ended)
        if what != "revocations":
            self.run(self.pods[pod].exclusions._poll())
            for person in self.people:
                view.hear(person)

    async def _poll(self, pod: IdentityPod) -> None:
        await pod.revocations._poll()
        await pod.exclusions._poll()

    # What must hold

    @invariant()
    def tokens_are_good_where_the_model_says(self) -> None:
        for one in self.model.sign_ins.values():
            for pair in one.pairs[-2:]:
                for pod, view in zip(self.pods, self.model.views, strict=True):
                    got = self.run(attempt(pod.enter(pair.access_token)))
                    assert got.code == view.access(one)

    @invariant()
    def people_see_their_devices(self) -> None:
        for person in getattr(self, "people", ()):
            store = self.ward.store.accounts
            found = self.run(store.devices(person.user_id, now=self.now))
            assert [one.device_id for one in found] == self.model.listed(person, self.now)

    @invariant()
    def everything_is_told_once(self) -> None:
        assert self._told() == +self.model.done
        for pod, view in zip(self.pods, self.model.views, strict=True):
            ours = [one for one in pod.heard if one in self.model.sign_ins]
            assert len(ours) == len(set(ours))
            assert set(ours) == view.revoked & set(self.model.sign_ins)
            assert Counter(pod.put_out) == Counter(view.put_out)

    def _told(self) -> Counter[Done]:
        return Counter(
            _done(number, record.act)
            for number, pod in enumerate(self.pods)
            for record in pod.told.records
        )

    def teardown(self) -> None:
        if not hasattr(self, "people"):
            return
        for pod in (0, 1):
            self.poll(pod, "both")
        self.tokens_are_good_where_the_model_says()
        self.everything_is_told_once()
        self.run(self._all_in_the_chain())

    async def _all_in_the_chain(self) -> None:
        audit = self.ward.store.audit
        while await audit.pending(limit=1):
            await self.ward.sealing.step(more=True)
        before = await audit.read(after=self.sealed - 1, limit=1) if self.sealed else []
        previous = before[0].digest if before else GENESIS
        found = Counter[Done]()
        for seq, one in enumerate(
            await audit.read(after=self.sealed, limit=9_999), self.sealed + 1
        ):
            assert (one.seq, one.previous) == (seq, previous)
            assert one.digest == digest_of(seq, previous, one.body)
            previous = one.digest
            record = msgspec.json.decode(one.body, type=Record)
            found[_done(int(record.pod), record.act)] += 1
        assert found == +self.model.done


def _done(pod: int, act: Act) -> Done:
    return Done(pod, act.kind, act.outcome, act.user_id, act.device_id, act.detail)


async def _together(*works: Coroutine[None, None, Attempt]) -> list[Attempt]:
    return await asyncio.gather(*works)


@pytest.fixture(params=["sqlite", "mongo"])
def ward(request: pytest.FixtureRequest) -> Iterator[Ward]:
    """Identity on two pods over a store of each kind."""
    clock, closing = FrozenClock(), AsyncExitStack()
    with Issuer() as issuer, staged(store_of(request)) as stage:
        store = stage.house.store
        made = [stage.run(_pod(name, store, issuer, clock, closing)) for name in "01"]
        sealing = Sealing(store, "sealer", Metrics(), None, HandingOut(None), head_seconds=60)
        yield Ward(stage, clock, issuer, made, sealing)
        stage.run(closing.aclose())


def test_tokens_are_good_where_they_should_be_and_every_act_is_on_record(ward: Ward) -> None:
    ward.stage.play(lambda _: IdentityMachine(ward), steps=25)
