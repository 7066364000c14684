import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

import pytest
from msgspec.structs import replace

from whatchat.adapters.embedded.limiter import EmbeddedLimiter
from whatchat.domain.actor import Actor, Visitor
from whatchat.domain.contract import Catalogue, Feature
from whatchat.domain.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    Unauthenticated,
)
from whatchat.domain.ids import DeviceId, UserId
from whatchat.domain.models import Profile, User
from whatchat.domain.ports.store import Store
from whatchat.features.accounts import attempts
from whatchat.features.accounts.contract import (
    ChangePassword,
    GetMe,
    GetUser,
    ListDevices,
    Login,
    Logout,
    Refresh,
    Register,
    SearchUsers,
    SignedIn,
    SignOutDevice,
    TokenPair,
    UpdateMe,
)
from whatchat.features.accounts.endpoints import ENDPOINTS, EVENTS
from whatchat.features.accounts.passwords import PasswordHasher
from whatchat.features.accounts.service import AccountService

VISITOR = Visitor(address="192.0.2.1")


class Pod(Protocol):
    service: AccountService
    store: Store

    async def register(self, username: str, password: str = ...) -> SignedIn: ...
    async def login(self, username: str, password: str = ...) -> SignedIn: ...
    async def actor(self, pair: TokenPair) -> Actor: ...


class Clock(Protocol):
    def advance(self, **by: float) -> None: ...


StartPod = Callable[[], Awaitable[Pod]]


async def refresh(pod: Pod, pair: TokenPair, nonce: str | None = None) -> TokenPair:
    command = (
        Refresh(refresh_token=pair.refresh_token, nonce=nonce)
        if nonce
        else Refresh(refresh_token=pair.refresh_token)
    )
    return await pod.service.refresh(VISITOR, command)


async def devices(pod: Pod, pair: TokenPair) -> list[DeviceId]:
    listed = await pod.service.list_devices(await pod.actor(pair), ListDevices())
    return [device.id for device in listed.devices]


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def is_signed_in(pod: Pod, pair: TokenPair) -> bool:
    try:
        await pod.actor(pair)
    except Unauthenticated:
        return False
    return True


class TestRegistering:
    async def test_it_signs_in(self, pod: Pod) -> None:
        ada = await pod.register("ada")
        assert ada.user == User(id=ada.user.id, username="ada", display_name="ada")
        assert ada.expires_in == 900
        actor = await pod.actor(ada)
        assert (actor.user_id, actor.device_id) == (ada.user.id, ada.device_id)
        assert actor.address == VISITOR.address
        assert actor.session_id is None

    async def test_a_display_name_is_taken_as_it_is(self, pod: Pod) -> None:
        command = Register(username="ada", password="correct horse", display_name="Ada L.")
        assert (await pod.service.register(VISITOR, command)).user.display_name == "Ada L."

    async def test_a_taken_name_is_a_conflict(self, pod: Pod) -> None:
        await pod.register("ada")
        with pytest.raises(Conflict) as refused:
            await pod.register("ada", "another password")
        assert refused.value.field == "username"
        await pod.login("ada")

    @pytest.mark.parametrize("password", ["password123", "zbigniewska", "Lovelacska"])
    async def test_a_guessable_password_is_refused(self, pod: Pod, password: str) -> None:
        command = Register(
            username="zbigniewska", password=password, display_name="Zbig Lovelacska"
        )
        with pytest.raises(Invalid) as refused:
            await pod.service.register(VISITOR, command)
        assert (refused.value.field, refused.value.reason) == ("password", "guessable")
        assert password not in refused.value.text
        assert await pod.store.accounts.by_username("zbigniewska") is None

    async def test_of_many_at_once_one_succeeds(self, pod: Pod) -> None:
        outcomes = await asyncio.gather(
            *(pod.register("ada", f"correct horse {number}") for number in range(5)),
            return_exceptions=True,
        )
        kinds = sorted(type(one).__name__ for one in outcomes)
        assert kinds == ["Conflict"] * 4 + ["SignedIn"]

    async def test_the_store_holds_neither_password_nor_tokens(
        self, pod: Pod, tmp_path: Path
    ) -> None:
        ada = await pod.register("ada")
        second = await refresh(pod, ada, "a nonce")
        data = everything_in(tmp_path)
        assert ada.user.id.encode() in data
        secrets = ["correct horse", "a nonce", ada.access_token, second.access_token]
        for pair in (ada, second):
            secrets += pair.refresh_token.split(".")[1:]
        for secret in secrets:
            assert secret.encode() not in data


class TestLoggingIn:
    async def test_it_adds_a_device(self, pod: Pod) -> None:
        first = await pod.register("ada")
        command = Login(username="ada", password="correct horse", device_name="Laptop")
        second = await pod.service.login(VISITOR, command)
        assert second.user == first.user
        assert second.device_id != first.device_id
        listed = await pod.service.list_devices(await pod.actor(second), ListDevices())
        assert [(one.name, one.current) for one in listed.devices] == [
            ("Laptop", True),
            ("Unnamed device", False),
        ]
        assert await is_signed_in(pod, first)

    async def test_on_a_known_device_it_takes_over(self, pod: Pod) -> None:
        first = await pod.register("ada")
        command = Login(username="ada", password="correct horse", device_id=first.device_id)
        second = await pod.service.login(VISITOR, command)
        assert second.device_id == first.device_id
        assert await devices(pod, second) == [first.device_id]
        assert not await is_signed_in(pod, first)
        with pytest.raises(Unauthenticated):
            await refresh(pod, first)
        assert await is_signed_in(pod, second)

    async def test_a_device_signed_out_is_known_again(self, pod: Pod) -> None:
        first = await pod.register("ada")
        await pod.service.logout(await pod.actor(first), Logout())
        command = Login(username="ada", password="correct horse", device_id=first.device_id)
        assert (await pod.service.login(VISITOR, command)).device_id == first.device_id

    async def test_anothers_or_an_unknown_device_is_a_new_one(self, pod: Pod) -> None:
        ada, bob = await pod.register("ada"), await pod.register("bob")
        for device_id in (bob.device_id, DeviceId("unknown")):
            command = Login(username="ada", password="correct horse", device_id=device_id)
            signed_in = await pod.service.login(VISITOR, command)
            assert signed_in.device_id not in {device_id, ada.device_id, bob.device_id}
        assert await is_signed_in(pod, bob)
        assert await devices(pod, bob) == [bob.device_id]

    async def test_a_wrong_password_and_an_unknown_name_are_answered_alike(self, pod: Pod) -> None:
        await pod.register("ada")
        answers = []
        for username in ("ada", "nobody"):
            with pytest.raises(Unauthenticated) as refused:
                await pod.login(username, "wrong password")
            answers.append(refused.value.body())
        assert answers[0] == answers[1]

    async def test_an_outdated_hash_is_brought_up_to_date(
        self, pod: Pod, passwords: PasswordHasher, store: Store
    ) -> None:
        ada = await pod.register("ada")
        weaker = PasswordHasher(memory_kib=8, passes=3, workers=1)
        old = await weaker.hash("correct horse")
        await weaker.close()
        before = (await store.accounts.by_ids([ada.user.id]))[ada.user.id].password_hash
        await store.accounts.rehash(ada.user.id, expected=before, password_hash=old)

        await pod.login("ada")

        after = (await store.accounts.by_ids([ada.user.id]))[ada.user.id].password_hash
        assert after != old
        assert not passwords.is_outdated(after)
        await pod.login("ada")

    async def test_a_login_overtaken_by_a_new_password_does_not_last(
        self, pod: Pod, store: Store, passwords: PasswordHasher
    ) -> None:
        ada = await pod.register("ada")
        account = await store.accounts.by_username("ada")
        assert account is not None
        device = pod.service._devices.new(account, "thief")
        changed = await store.accounts.change_password(
            account.user_id,
            expected=account.password_hash,
            password_hash=await passwords.hash("another one"),
            keep=ada.device_id,
        )
        assert changed == []
        late = await pod.service._sign_in(account, device)
        with pytest.raises(Unauthenticated):
            await pod.service._confirming.confirm(account, device, "correct horse")
        assert not await is_signed_in(pod, late)
        assert await devices(pod, ada) == [ada.device_id]


class TestRefreshing:
    async def test_it_gives_a_new_pair_of_the_same_sign_in(self, pod: Pod) -> None:
        first = await pod.register("ada")
        second = await refresh(pod, first)
        assert second.access_token != first.access_token
        assert second.refresh_token != first.refresh_token
        assert (await pod.actor(second)).grant_id == (await pod.actor(first)).grant_id
        assert (await pod.actor(second)).device_id == first.device_id
        assert second.expires_in == 900
        await refresh(pod, second)

    async def test_a_lost_answer_is_repeated_to_the_byte(
        self, start_pod: StartPod, clock: Clock
    ) -> None:
        here, there = await start_pod(), await start_pod()
        first = await here.register("ada")
        second = await refresh(here, first, "nonce")
        clock.advance(seconds=59)
        again = await refresh(there, first, "nonce")
        assert again.refresh_token == second.refresh_token
        assert again.access_token == second.access_token
        assert 840 <= again.expires_in <= 842
        await refresh(there, again)

    async def test_repetitions_at_once_get_the_same_pair(self, pod: Pod) -> None:
        first = await pod.register("ada")
        pairs = await asyncio.gather(*(refresh(pod, first, "nonce") for _ in range(5)))
        assert len({(pair.access_token, pair.refresh_token) for pair in pairs}) == 1

    @pytest.mark.parametrize(
        ("nonces", "seconds"),
        [(("one", "two"), 0), ((None, None), 0), (("one", None), 0), (("one", "one"), 61)],
    )
    async def test_any_other_reuse_ends_the_sign_in(
        self, pod: Pod, clock: Clock, nonces: tuple[str | None, str | None], seconds: int
    ) -> None:
        first = await pod.register("ada")
        other = await pod.login("ada")
        second = await refresh(pod, first, nonces[0])
        clock.advance(seconds=seconds)
        with pytest.raises(Unauthenticated) as refused:
            await refresh(pod, first, nonces[1])
        assert refused.value.body() == Unauthenticated().body()
        assert not await is_signed_in(pod, first)
        assert not await is_signed_in(pod, second)
        with pytest.raises(Unauthenticated):
            await refresh(pod, second)
        assert await devices(pod, other) == [other.device_id]

    async def test_a_token_of_long_ago_ends_the_sign_in(self, pod: Pod, clock: Clock) -> None:
        first = await pod.register("ada")
        current: TokenPair = first
        for _ in range(5):
            clock.advance(minutes=14)
            current = await refresh(pod, current)
        with pytest.raises(Unauthenticated):
            await refresh(pod, first)
        with pytest.raises(Unauthenticated):
            await refresh(pod, current)

    async def test_a_forged_token_ends_nothing(self, pod: Pod) -> None:
        first = await pod.register("ada")
        forged = first.refresh_token[:-1] + ("x" if first.refresh_token[-1] != "x" else "y")
        with pytest.raises(Unauthenticated):
            await pod.service.refresh(VISITOR, Refresh(refresh_token=forged))
        assert await is_signed_in(pod, first)
        await refresh(pod, first)

    async def test_a_sign_in_ends_thirty_days_after_its_last_refresh(
        self, pod: Pod, clock: Clock
    ) -> None:
        first = await pod.register("ada")
        clock.advance(days=29)
        second = await refresh(pod, first)
        clock.advance(days=29)
        third = await refresh(pod, second)
        clock.advance(days=30)
        with pytest.raises(Unauthenticated):
            await refresh(pod, third)

    async def test_nothing_secret_is_logged(
        self, pod: Pod, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        first = await pod.register("ada")
        second = await refresh(pod, first)
        with pytest.raises(Unauthenticated):
            await refresh(pod, first)
        assert "spent refresh token" in caplog.text
        for secret in (first.refresh_token, second.refresh_token, second.access_token, "horse"):
            assert secret not in caplog.text


class TestSigningOut:
    async def test_a_logout_ends_this_device_alone(self, pod: Pod) -> None:
        first = await pod.register("ada")
        second = await pod.login("ada")
        await pod.service.logout(await pod.actor(first), Logout())
        assert not await is_signed_in(pod, first)
        with pytest.raises(Unauthenticated):
            await refresh(pod, first)
        assert await devices(pod, second) == [second.device_id]

    async def test_a_device_is_signed_out_from_another(self, pod: Pod) -> None:
        first = await pod.register("ada")
        second = await pod.login("ada")
        actor = await pod.actor(second)
        await pod.service.sign_out_device(actor, SignOutDevice(device_id=first.device_id))
        assert not await is_signed_in(pod, first)
        assert await is_signed_in(pod, second)
        with pytest.raises(NotFound):
            await pod.service.sign_out_device(actor, SignOutDevice(device_id=first.device_id))

    async def test_anothers_device_is_not_found(self, pod: Pod) -> None:
        ada, bob = await pod.register("ada"), await pod.register("bob")
        with pytest.raises(NotFound):
            await pod.service.sign_out_device(
                await pod.actor(bob), SignOutDevice(device_id=ada.device_id)
            )
        assert await is_signed_in(pod, ada)

    async def test_a_new_password_signs_out_every_other_device(self, pod: Pod) -> None:
        first = await pod.register("ada")
        second, bob = await pod.login("ada"), await pod.register("bob")
        await pod.service.change_password(
            await pod.actor(second),
            ChangePassword(current_password="correct horse", new_password="battery staple"),
        )
        assert not await is_signed_in(pod, first)
        with pytest.raises(Unauthenticated):
            await refresh(pod, first)
        assert await is_signed_in(pod, bob)
        assert await devices(pod, second) == [second.device_id]
        await refresh(pod, second)
        with pytest.raises(Unauthenticated):
            await pod.login("ada")
        await pod.login("ada", "battery staple")

    async def test_a_wrong_current_password_changes_nothing(self, pod: Pod) -> None:
        first, second = await pod.register("ada"), await pod.login("ada")
        with pytest.raises(Forbidden) as refused:
            await pod.service.change_password(
                await pod.actor(second),
                ChangePassword(current_password="wrong", new_password="battery staple"),
            )
        assert refused.value.field == "currentPassword"
        assert await is_signed_in(pod, first)
        await pod.login("ada")

    @pytest.mark.parametrize("new", ["password123", "zbigniewska1"])
    async def test_a_guessable_new_password_changes_nothing(self, pod: Pod, new: str) -> None:
        actor = await pod.actor(await pod.register("zbigniewska"))
        laptop = await pod.login("zbigniewska")
        with pytest.raises(Invalid) as refused:
            await pod.service.change_password(
                actor, ChangePassword(current_password="correct horse", new_password=new)
            )
        assert (refused.value.field, refused.value.reason) == ("newPassword", "guessable")
        assert await is_signed_in(pod, laptop)
        await pod.login("zbigniewska")

    async def test_a_guessable_password_of_before_signs_in(
        self, pod: Pod, passwords: PasswordHasher
    ) -> None:
        ada = await pod.register("ada")
        account = (await pod.store.accounts.by_ids([ada.user.id]))[ada.user.id]
        assert await pod.store.accounts.rehash(
            ada.user.id,
            expected=account.password_hash,
            password_hash=await passwords.hash("password123"),
        )
        assert (await pod.login("ada", "password123")).user == ada.user

    async def test_of_two_changes_at_once_one_is_in_force(self, pod: Pod) -> None:
        actor = await pod.actor(await pod.register("ada"))
        outcomes = await asyncio.gather(
            *(
                pod.service.change_password(
                    actor, ChangePassword(current_password="correct horse", new_password=new)
                )
                for new in ("battery staple", "staple battery")
            ),
            return_exceptions=True,
        )
        # The later one meets the other's password: before it looks, or as it writes.
        (refused,) = [one for one in outcomes if one is not None]
        assert isinstance(refused, Conflict | Forbidden)
        in_force = "battery staple" if outcomes[0] is None else "staple battery"
        await pod.login("ada", in_force)


class TestProfiles:
    async def test_one_sees_oneself(self, pod: Pod) -> None:
        ada = await pod.register("ada")
        me = await pod.service.get_me(await pod.actor(ada), GetMe())
        assert me == Profile(
            id=ada.user.id,
            username="ada",
            display_name="ada",
            presence="contacts",
            read_receipts=True,
        )

    async def test_a_change_is_seen_at_once_on_this_pod(self, pod: Pod) -> None:
        ada, bob = await pod.register("ada"), await pod.register("bob")
        look = GetUser(user_id=ada.user.id)
        assert (await pod.service.get_user(await pod.actor(bob), look)).display_name == "ada"
        changed = await pod.service.update_me(
            await pod.actor(ada), UpdateMe(display_name="Countess")
        )
        assert changed.display_name == "Countess"
        assert (await pod.service.get_user(await pod.actor(bob), look)).display_name == "Countess"

    async def test_only_what_is_given_changes(self, pod: Pod) -> None:
        actor = await pod.actor(await pod.register("ada"))
        await pod.service.update_me(actor, UpdateMe(read_receipts=False))
        changed = await pod.service.update_me(actor, UpdateMe(presence="nobody"))
        assert (changed.presence, changed.read_receipts) == ("nobody", False)
        assert changed.display_name == "ada"
        assert await pod.service.get_me(actor, GetMe()) == changed

    async def test_nobody_is_not_found(self, pod: Pod) -> None:
        actor = await pod.actor(await pod.register("ada"))
        with pytest.raises(NotFound):
            await pod.service.get_user(actor, GetUser(user_id=UserId("nobody")))

    async def test_whose_account_is_gone_is_nobody(self, pod: Pod) -> None:
        actor = replace(await pod.actor(await pod.register("ada")), user_id=UserId("gone"))
        with pytest.raises(Unauthenticated):
            await pod.service.get_me(actor, GetMe())

    async def test_people_are_found(self, pod: Pod) -> None:
        actor = await pod.actor(await pod.register("ada"))
        bob = await pod.register("bob")
        await pod.register("bert")
        found = await pod.service.search_users(actor, SearchUsers(query="B"))
        assert [user.username for user in found.users] == ["bert", "bob"]
        assert found.users[1] == bob.user
        found = await pod.service.search_users(actor, SearchUsers(query="b", limit=1))
        assert [user.username for user in found.users] == ["bert"]


def test_the_rows_fit_into_a_catalogue(pod: Pod) -> None:
    catalogue = Catalogue([Feature(pod.service, ENDPOINTS, EVENTS)])
    paths = list(catalogue.by_http)
    assert paths.index("GET /api/users/me") < paths.index("GET /api/users/{userId}")
    public = {row.http for row in ENDPOINTS if row.public}
    assert public == {f"POST /api/auth/{one}" for one in ("register", "login", "refresh")}
    assert {row.http: row.cost for row in ENDPOINTS if row.public} == {
        "POST /api/auth/register": "register",
        "POST /api/auth/login": "sign_in",
        "POST /api/auth/refresh": "refresh",
    }


async def test_new_passwords_are_made_in_turns(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    signed_in = await pod.register("ada")
    monkeypatch.setattr(attempts, "LONGEST_WAIT_SECONDS", 0.01)
    turns = attempts.PasswordAttempts(EmbeddedLimiter(), pod.service._trail)
    pod.service._attempts = turns
    actor = replace(await pod.actor(signed_in), address=VISITOR.address)
    change = ChangePassword(current_password="correct horse", new_password="quite another horse")
    async with turns.of_new(VISITOR), turns.of_new(VISITOR):
        with pytest.raises(RateLimited):
            await pod.register("bob")
        with pytest.raises(RateLimited):
            await pod.service.change_password(actor, change)
    await pod.register("bob")
    await pod.service.change_password(actor, change)
