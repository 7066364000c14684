"""What every account store must do."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from whatchat.domain.errors import NotFound, Unauthenticated
from whatchat.domain.ids import DeviceId, GrantId, UserId, random_id
from whatchat.domain.ports.account_store import (
    Account,
    AccountStore,
    DeviceRecord,
    Grant,
    Rotation,
)
from whatchat.domain.ports.store import Store
from whatchat.domain.times import utc_now

NOW = utc_now()
LATER = NOW + timedelta(days=30)


@pytest.fixture
def accounts(store: Store) -> AccountStore:
    return store.accounts


def account(username: str, display_name: str | None = None) -> Account:
    return Account(
        user_id=UserId(random_id()),
        username=username,
        display_name=display_name or username,
        password_hash="$argon2id$one",
        created_at=NOW,
    )


def device(user_id: UserId, name: str = "phone") -> DeviceRecord:
    return DeviceRecord(
        device_id=DeviceId(random_id()),
        user_id=user_id,
        name=name,
        created_at=NOW,
        last_seen_at=NOW,
    )


def grant(token: bytes = b"first") -> Grant:
    return Grant(grant_id=GrantId(random_id()), token_hash=token, expires_at=LATER)


async def rotate(
    accounts: AccountStore,
    of: Grant,
    successor: bytes,
    *,
    nonce: bytes = b"nonce",
    after_seconds: float = 0,
) -> Rotation:
    return await accounts.rotate(
        of.token_hash,
        nonce_hash=nonce,
        successor=replace(of, token_hash=successor),
        now=NOW + timedelta(seconds=after_seconds),
        grace_seconds=60,
    )


async def revoked(accounts: AccountStore) -> set[GrantId]:
    return set((await accounts.revoked_since(None)).grant_ids)


class TestPeople:
    async def test_an_account_is_found_by_name_and_by_id(self, accounts: AccountStore) -> None:
        ada = account("ada", "Ada Lovelace")
        assert await accounts.add(ada)
        assert await accounts.by_username("ada") == ada
        assert await accounts.by_ids([ada.user_id, UserId("nobody")]) == {ada.user_id: ada}

    async def test_a_name_is_found_only_exactly(self, accounts: AccountStore) -> None:
        await accounts.add(account("a_b"))
        assert await accounts.by_username("A_B") is None
        assert await accounts.by_username("axb") is None
        assert await accounts.by_username("a_") is None

    async def test_a_taken_name_changes_nothing(self, accounts: AccountStore) -> None:
        first, second = account("ada"), account("ada")
        assert await accounts.add(first)
        assert not await accounts.add(second)
        assert await accounts.by_ids([first.user_id, second.user_id]) == {first.user_id: first}

    async def test_a_taken_id_changes_nothing(self, accounts: AccountStore) -> None:
        ada = account("ada")
        assert await accounts.add(ada)
        assert not await accounts.add(replace(ada, username="bob"))
        assert await accounts.by_username("bob") is None
        assert await accounts.by_ids([ada.user_id]) == {ada.user_id: ada}

    async def test_of_many_registrations_of_one_name_one_succeeds(
        self, accounts: AccountStore
    ) -> None:
        people = [account("ada") for _ in range(8)]
        added = await asyncio.gather(*(accounts.add(one) for one in people))
        assert added.count(True) == 1
        assert await accounts.by_username("ada") == people[added.index(True)]

    async def test_many_accounts_are_read_at_once(self, accounts: AccountStore) -> None:
        people = [account(f"user{number}") for number in range(1_200)]
        await asyncio.gather(*(accounts.add(one) for one in people))
        found = await accounts.by_ids([one.user_id for one in people])
        assert found == {one.user_id: one for one in people}

    async def test_an_update_changes_only_what_is_given(self, accounts: AccountStore) -> None:
        ada = account("ada")
        await accounts.add(ada)
        named = await accounts.update(ada.user_id, display_name="Ada")
        assert named == replace(ada, display_name="Ada")
        quiet = await accounts.update(ada.user_id, presence="nobody", read_receipts=False)
        assert quiet == replace(named, presence="nobody", read_receipts=False)
        assert await accounts.by_username("ada") == quiet

    async def test_an_update_of_nobody_is_not_found(self, accounts: AccountStore) -> None:
        with pytest.raises(NotFound):
            await accounts.update(UserId("nobody"), display_name="Ada")


class TestSearch:
    @pytest.fixture(autouse=True)
    async def people(self, accounts: AccountStore) -> None:
        for username, display_name in (
            ("grace", "Grace Hopper"),
            ("ada", "Ada Lovelace"),
            ("adam", "100% _real_"),
            ("strasse", "Äußere Straße"),
        ):
            await accounts.add(account(username, display_name))

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("ad", ["ada", "adam"]),
            ("dam", []),
            ("HOPP", ["grace"]),
            ("love", ["ada"]),
            ("äUSSERE", ["strasse"]),
            ("STRASSE", ["strasse"]),
            ("0%", ["adam"]),
            ("%", ["adam"]),
            ("_r", ["adam"]),
            ("ad_", []),
            ("*", []),
            ("\\", []),
            (".*", []),
            ("r", ["adam", "grace", "strasse"]),
        ],
    )
    async def test_names_are_found_folded_and_literally(
        self, accounts: AccountStore, query: str, found: list[str]
    ) -> None:
        result = await accounts.search(query, limit=10)
        assert [one.username for one in result] == found

    async def test_no_more_than_the_limit_is_found(self, accounts: AccountStore) -> None:
        assert [one.username for one in await accounts.search("a", limit=1)] == ["ada"]

    async def test_a_new_display_name_is_found_and_the_old_no_longer(
        self, accounts: AccountStore
    ) -> None:
        (ada,) = await accounts.search("lovelace", limit=1)
        await accounts.update(ada.user_id, display_name="Countess")
        assert [one.user_id for one in await accounts.search("COUNT", limit=1)] == [ada.user_id]
        assert await accounts.search("lovelace", limit=1) == []


class TestPasswords:
    async def test_a_hash_is_replaced_only_where_expected(self, accounts: AccountStore) -> None:
        ada = account("ada")
        await accounts.add(ada)
        assert not await accounts.rehash(ada.user_id, expected="other", password_hash="two")
        assert await accounts.by_username("ada") == ada
        assert await accounts.rehash(ada.user_id, expected=ada.password_hash, password_hash="two")
        assert await accounts.by_username("ada") == replace(ada, password_hash="two")

    async def test_a_change_signs_out_every_other_device(self, accounts: AccountStore) -> None:
        ada, bob = account("ada"), account("bob")
        await asyncio.gather(accounts.add(ada), accounts.add(bob))
        kept, other, third = (device(ada.user_id) for _ in range(3))
        bobs = device(bob.user_id)
        grants = [grant() for _ in range(4)]
        for one, its in zip((kept, other, third, bobs), grants, strict=True):
            await accounts.sign_in(one, its)

        ended = await accounts.change_password(
            ada.user_id, expected=ada.password_hash, password_hash="two", keep=kept.device_id
        )

        assert ended is not None
        assert set(ended) == {grants[1].grant_id, grants[2].grant_id} == await revoked(accounts)
        assert await accounts.devices(ada.user_id, now=NOW) == [kept]
        assert await accounts.devices(bob.user_id, now=NOW) == [bobs]

    async def test_a_change_on_another_hash_does_nothing(self, accounts: AccountStore) -> None:
        ada = account("ada")
        await accounts.add(ada)
        phone = device(ada.user_id)
        await accounts.sign_in(phone, grant())
        ended = await accounts.change_password(
            ada.user_id, expected="other", password_hash="two", keep=DeviceId("none")
        )
        assert ended is None
        assert await accounts.by_username("ada") == ada
        assert await accounts.devices(ada.user_id, now=NOW) == [phone]

    async def test_of_two_changes_at_once_one_succeeds(self, accounts: AccountStore) -> None:
        ada = account("ada")
        await accounts.add(ada)
        ended = await asyncio.gather(
            *(
                accounts.change_password(
                    ada.user_id,
                    expected=ada.password_hash,
                    password_hash=new,
                    keep=DeviceId("none"),
                )
                for new in ("two", "three")
            )
        )
        assert sorted(ended, key=lambda one: one is None) == [[], None]


class TestDevices:
    user_id = UserId("ada")

    async def test_devices_come_latest_seen_first(self, accounts: AccountStore) -> None:
        old = device(self.user_id)
        new = replace(device(self.user_id), last_seen_at=NOW + timedelta(seconds=1))
        await accounts.sign_in(old, grant())
        await accounts.sign_in(new, grant())
        await accounts.sign_in(device(UserId("bob")), grant())
        assert await accounts.devices(self.user_id, now=NOW) == [new, old]

    async def test_signing_in_again_revokes_the_earlier_grant(self, accounts: AccountStore) -> None:
        phone = device(self.user_id)
        first, second = grant(), grant(b"second")
        assert await accounts.sign_in(phone, first) is None
        assert await accounts.sign_in(replace(phone, name="new"), second) == first.grant_id
        assert await accounts.devices(self.user_id, now=NOW) == [replace(phone, name="new")]
        assert await revoked(accounts) == {first.grant_id}
        assert (await rotate(accounts, first, b"x")).verdict == "unknown"
        assert (await rotate(accounts, second, b"x")).verdict == "rotated"

    async def test_the_same_device_id_of_two_users_is_two_devices(
        self, accounts: AccountStore
    ) -> None:
        mine = device(self.user_id)
        theirs = replace(mine, user_id=UserId("bob"))
        its = grant()
        await accounts.sign_in(mine, its)
        assert await accounts.device(theirs.user_id, mine.device_id) is None
        assert await accounts.sign_in(theirs, grant()) is None
        assert await accounts.devices(self.user_id, now=NOW) == [mine]

    async def test_signing_out_ends_the_grant_and_keeps_the_device(
        self, accounts: AccountStore
    ) -> None:
        phone, its = device(self.user_id), grant()
        await accounts.sign_in(phone, its)
        assert await accounts.sign_out(self.user_id, [phone.device_id] * 2) == [its.grant_id]
        assert await accounts.sign_out(self.user_id, [phone.device_id]) == []
        assert await revoked(accounts) == {its.grant_id}
        assert (await rotate(accounts, its, b"x")).verdict == "unknown"
        assert await accounts.devices(self.user_id, now=NOW) == []
        assert await accounts.device(self.user_id, phone.device_id) == phone

    async def test_nobody_signs_out_anothers_device(self, accounts: AccountStore) -> None:
        phone, its = device(self.user_id), grant()
        await accounts.sign_in(phone, its)
        assert await accounts.sign_out(UserId("bob"), [phone.device_id]) == []
        assert await accounts.devices(self.user_id, now=NOW) == [phone]

    async def test_an_expired_sign_in_is_not_listed(self, accounts: AccountStore) -> None:
        await accounts.sign_in(device(self.user_id), grant())
        just_before = LATER - timedelta(milliseconds=1)
        assert len(await accounts.devices(self.user_id, now=just_before)) == 1
        assert await accounts.devices(self.user_id, now=LATER) == []

    async def test_a_device_in_force_outlives_any_absence(self, accounts: AccountStore) -> None:
        long_ago = NOW - timedelta(days=300)
        phone = replace(device(self.user_id), last_seen_at=long_ago)
        await accounts.sign_in(phone, grant())
        await accounts.sign_in(device(self.user_id), grant())
        assert await accounts.device(self.user_id, phone.device_id) == phone


class TestRotation:
    user_id = UserId("ada")

    @pytest.fixture
    async def phone(self, accounts: AccountStore) -> DeviceRecord:
        return device(self.user_id)

    @pytest.fixture
    async def first(self, accounts: AccountStore, phone: DeviceRecord) -> Grant:
        first = grant()
        await accounts.sign_in(phone, first)
        return first

    async def test_a_token_is_exchanged_for_its_successor(
        self, accounts: AccountStore, phone: DeviceRecord, first: Grant
    ) -> None:
        rotation = await rotate(accounts, first, b"second", after_seconds=5)
        at = NOW + timedelta(seconds=5)
        assert (rotation.verdict, rotation.at) == ("rotated", at)
        assert rotation.device is not None
        assert rotation.device.device_id == phone.device_id
        assert rotation.device.user_id == self.user_id
        assert await accounts.devices(self.user_id, now=NOW) == [replace(phone, last_seen_at=at)]
        second = replace(first, token_hash=b"second")
        assert (await rotate(accounts, second, b"third")).verdict == "rotated"

    async def test_a_rotation_prolongs_the_sign_in(
        self, accounts: AccountStore, first: Grant
    ) -> None:
        successor = replace(first, token_hash=b"second", expires_at=LATER + timedelta(days=1))
        await accounts.rotate(
            first.token_hash, nonce_hash=b"n", successor=successor, now=NOW, grace_seconds=60
        )
        assert len(await accounts.devices(self.user_id, now=LATER)) == 1

    async def test_the_same_nonce_within_the_grace_is_a_repetition(
        self, accounts: AccountStore, first: Grant
    ) -> None:
        rotated = await rotate(accounts, first, b"second", after_seconds=1)
        repeated = await rotate(accounts, first, b"second", after_seconds=61)
        assert repeated.verdict == "repeated"
        assert repeated.at == rotated.at
        assert repeated.device is not None
        assert rotated.device is not None
        assert repeated.device.device_id == rotated.device.device_id
        assert await revoked(accounts) == set()

    async def test_a_repetition_is_one_also_after_the_successor_was_used(
        self, accounts: AccountStore, first: Grant
    ) -> None:
        await rotate(accounts, first, b"second")
        second = replace(first, token_hash=b"second")
        await rotate(accounts, second, b"third", after_seconds=1)
        again = await rotate(accounts, first, b"second", after_seconds=2)
        assert again.verdict == "repeated"
        third = replace(first, token_hash=b"third")
        assert (await rotate(accounts, third, b"fourth")).verdict == "rotated"

    @pytest.mark.parametrize(
        ("nonce", "after_seconds"), [(b"other", 1), (b"nonce", 60.001), (b"nonce", 86_400)]
    )
    async def test_any_other_second_use_revokes_the_grant(
        self, accounts: AccountStore, first: Grant, nonce: bytes, after_seconds: float
    ) -> None:
        await rotate(accounts, first, b"second")
        reused = await rotate(accounts, first, b"x", nonce=nonce, after_seconds=after_seconds)
        assert (reused.verdict, reused.at) == ("reused", None)
        assert reused.device is not None
        assert reused.device.user_id == self.user_id
        assert await revoked(accounts) == {first.grant_id}
        assert await accounts.devices(self.user_id, now=NOW) == []
        second = replace(first, token_hash=b"second")
        assert (await rotate(accounts, second, b"third")).verdict == "unknown"
        assert (await rotate(accounts, first, b"second")).verdict == "unknown"

    async def test_a_token_spent_long_ago_still_revokes(
        self, accounts: AccountStore, first: Grant
    ) -> None:
        current = first
        for number in range(20):
            successor = f"token {number}".encode()
            await rotate(accounts, current, successor, after_seconds=number * 900)
            current = replace(first, token_hash=successor)
        assert (await rotate(accounts, first, b"x", after_seconds=18_000)).verdict == "reused"
        assert (await rotate(accounts, current, b"x", after_seconds=18_000)).verdict == "unknown"

    async def test_an_expired_token_is_unknown(self, accounts: AccountStore, first: Grant) -> None:
        seconds = (LATER - NOW).total_seconds()
        assert (await rotate(accounts, first, b"x", after_seconds=seconds)).verdict == "unknown"
        assert await revoked(accounts) == set()

    async def test_an_unknown_grant_is_unknown(self, accounts: AccountStore, first: Grant) -> None:
        assert (await rotate(accounts, grant(), b"x")).verdict == "unknown"

    async def test_many_repetitions_at_once_rotate_once(
        self, accounts: AccountStore, first: Grant
    ) -> None:
        rotations = await asyncio.gather(*(rotate(accounts, first, b"second") for _ in range(8)))
        verdicts = sorted(one.verdict for one in rotations)
        assert verdicts == ["repeated"] * 7 + ["rotated"]
        assert {one.at for one in rotations} == {NOW}

    async def test_two_different_uses_at_once_leave_nothing_in_force(
        self, accounts: AccountStore, first: Grant
    ) -> None:
        rotations = await asyncio.gather(
            rotate(accounts, first, b"mine", nonce=b"mine"),
            rotate(accounts, first, b"theirs", nonce=b"theirs"),
        )
        assert sorted(one.verdict for one in rotations) == ["reused", "rotated"]
        assert await revoked(accounts) == {first.grant_id}


class TestRevocations:
    user_id = UserId("ada")

    async def test_polling_from_the_last_reading_misses_nothing(
        self, accounts: AccountStore
    ) -> None:
        known: set[GrantId] = set()
        expected = set()
        moment = None
        for _ in range(5):
            phone, its = device(self.user_id), grant()
            await accounts.sign_in(phone, its)
            await accounts.sign_out(self.user_id, [phone.device_id])
            expected.add(its.grant_id)
            reading = await accounts.revoked_since(moment)
            known.update(reading.grant_ids)
            assert known == expected
            moment = reading.read_at

    async def test_what_was_revoked_earlier_is_left_out(self, accounts: AccountStore) -> None:
        phone = device(self.user_id)
        await accounts.sign_in(phone, grant())
        await accounts.sign_out(self.user_id, [phone.device_id])
        reading = await accounts.revoked_since(None)
        later = await accounts.revoked_since(reading.read_at + timedelta(milliseconds=1))
        assert len(reading.grant_ids) == 1
        assert later.grant_ids == ()
        assert later.read_at >= reading.read_at


class TestSignInsOfOthers:
    """Sign-ins that an issuer elsewhere began: one device, one grant, for ever."""

    @pytest.fixture
    async def ada(self, accounts: AccountStore) -> Account:
        ada = account("ada")
        await accounts.add(ada)
        return ada

    async def test_it_is_listed_until_it_ends(self, accounts: AccountStore, ada: Account) -> None:
        phone, its = device(ada.user_id), grant(b"")
        assert await accounts.keep_signed_in(phone, its) == "begun"
        assert await accounts.devices(ada.user_id, now=NOW) == [phone]
        assert await accounts.devices(ada.user_id, now=its.expires_at) == []

    async def test_it_is_prolonged_and_never_shortened(
        self, accounts: AccountStore, ada: Account
    ) -> None:
        phone, its = device(ada.user_id), grant(b"")
        longer = replace(its, expires_at=LATER + timedelta(hours=1))
        seen = replace(phone, last_seen_at=NOW + timedelta(minutes=1), name="another")
        kept = [
            await accounts.keep_signed_in(record, one)
            for record, one in ((phone, its), (seen, longer), (phone, its))
        ]
        assert kept == ["begun", "prolonged", "prolonged"]
        (found,) = await accounts.devices(ada.user_id, now=LATER)
        assert found == replace(seen, name=phone.name)
        assert await revoked(accounts) == set()

    async def test_one_that_was_signed_out_never_comes_back(
        self, accounts: AccountStore, ada: Account
    ) -> None:
        phone, its = device(ada.user_id), grant(b"")
        await accounts.keep_signed_in(phone, its)
        assert await accounts.sign_out(ada.user_id, [phone.device_id]) == [its.grant_id]
        later = replace(its, expires_at=LATER + timedelta(hours=1))
        assert await accounts.keep_signed_in(phone, later) == "ended"
        assert await accounts.devices(ada.user_id, now=NOW) == []
        assert await revoked(accounts) == {its.grant_id}

    async def test_of_many_at_once_and_a_sign_out_the_sign_out_wins(
        self, accounts: AccountStore, ada: Account
    ) -> None:
        phone, its = device(ada.user_id), grant(b"")
        await accounts.keep_signed_in(phone, its)
        await asyncio.gather(
            *(accounts.keep_signed_in(phone, its) for _ in range(4)),
            accounts.sign_out(ada.user_id, [phone.device_id]),
            *(accounts.keep_signed_in(phone, its) for _ in range(4)),
        )
        assert await accounts.keep_signed_in(phone, its) == "ended"
        assert await accounts.devices(ada.user_id, now=NOW) == []

    async def test_many_begin_one(self, accounts: AccountStore, ada: Account) -> None:
        phone, its = device(ada.user_id), grant(b"")
        begun = await asyncio.gather(*(accounts.keep_signed_in(phone, its) for _ in range(6)))
        assert sorted(begun) == ["begun", *["prolonged"] * 5]
        assert await accounts.devices(ada.user_id, now=NOW) == [phone]

    async def test_it_never_takes_another_sign_ins_device(
        self, accounts: AccountStore, ada: Account
    ) -> None:
        phone, its = device(ada.user_id), grant()
        await accounts.sign_in(phone, its)
        assert await accounts.keep_signed_in(phone, grant(b"")) == "ended"
        assert (await rotate(accounts, its, b"x")).verdict == "rotated"

    async def test_whoever_is_banned_is_refused(self, accounts: AccountStore, ada: Account) -> None:
        phone, its = device(ada.user_id), grant(b"")
        await accounts.keep_signed_in(phone, its)
        await accounts.ban(ada.user_id)
        with pytest.raises(Unauthenticated):
            await accounts.keep_signed_in(device(ada.user_id), grant(b""))
        await accounts.unban(ada.user_id)
        assert await accounts.keep_signed_in(phone, its) == "ended"


class TestExclusions:
    @pytest.fixture
    async def ada(self, accounts: AccountStore) -> Account:
        ada = account("ada")
        await accounts.add(ada)
        return ada

    async def signed_in(self, accounts: AccountStore, user_id: UserId) -> Grant:
        its = grant(random_id().encode())
        await accounts.sign_in(device(user_id), its)
        return its

    async def test_a_ban_ends_every_grant_and_lets_nobody_in(
        self, accounts: AccountStore, ada: Account
    ) -> None:
        bob = account("bob")
        await accounts.add(bob)
        grants = [await self.signed_in(accounts, ada.user_id) for _ in range(3)]
        bobs = await self.signed_in(accounts, bob.user_id)

        banned = await accounts.ban(ada.user_id, reason="spam")

        ended = {one.grant_id for one in grants}
        assert set(banned.grant_ids) == ended == await revoked(accounts)
        assert banned.exclusion.user_id == ada.user_id
        assert banned.exclusion.is_banned
        assert banned.exclusion.signed_out_at == banned.exclusion.changed_at
        for one in grants:
            assert (await rotate(accounts, one, b"x")).verdict == "unknown"
        with pytest.raises(Unauthenticated):
            await self.signed_in(accounts, ada.user_id)
        assert await accounts.devices(ada.user_id, now=NOW) == []
        assert (await rotate(accounts, bobs, b"x")).verdict == "rotated"

    async def test_an_account_says_since_when_and_why_it_is_banned(
        self, accounts: AccountStore, ada: Account
    ) -> None:
        banned = await accounts.ban(ada.user_id, reason="$spam")
        found = await accounts.by_username("ada")
        since = banned.exclusion.changed_at
        assert found == replace(ada, banned_at=since, ban_reason="$spam")
        assert (await accounts.search("ada", limit=1)) == [found]
        again = await accounts.ban(ada.user_id, reason="another")
        assert again.exclusion == banned.exclusion
        assert again.grant_ids == ()
        assert await accounts.by_username("ada") == found

    async def test_a_lifted_ban_lets_in_again_but_brings_nothing_back(
        self, accounts: AccountStore, ada: Account
    ) -> None:
        its = await self.signed_in(accounts, ada.user_id)
        banned = await accounts.ban(ada.user_id)
        lifted = await accounts.unban(ada.user_id)
        assert lifted is not None
        assert not lifted.is_banned
        assert lifted.signed_out_at == banned.exclusion.signed_out_at
        assert lifted.changed_at > banned.exclusion.changed_at
        assert await accounts.unban(ada.user_id) is None
        assert await accounts.by_username("ada") == ada
        assert (await rotate(accounts, its, b"x")).verdict == "unknown"
        await self.signed_in(accounts, ada.user_id)

    async def test_a_sign_out_everywhere_ends_what_is_and_bars_nothing(
        self, accounts: AccountStore, ada: Account
    ) -> None:
        grants = {(await self.signed_in(accounts, ada.user_id)).grant_id for _ in range(2)}
        ended = await accounts.sign_out_everywhere(ada.user_id)
        assert set(ended.grant_ids) == grants
        assert not ended.exclusion.is_banned
        later = await self.signed_in(accounts, ada.user_id)
        assert (await rotate(accounts, later, b"x")).verdict == "rotated"
        again = await accounts.sign_out_everywhere(ada.user_id)
        assert again.grant_ids == (later.grant_id,)
        assert again.exclusion.signed_out_at > ended.exclusion.signed_out_at

    async def test_a_sign_out_of_somebody_banned_leaves_the_ban(
        self, accounts: AccountStore, ada: Account
    ) -> None:
        await accounts.ban(ada.user_id, reason="spam")
        ended = await accounts.sign_out_everywhere(ada.user_id)
        assert ended.exclusion.is_banned
        found = await accounts.by_username("ada")
        assert found is not None
        assert found.ban_reason == "spam"

    async def test_nobody_is_not_found(self, accounts: AccountStore) -> None:
        nobody = UserId("nobody")
        for work in (accounts.ban, accounts.unban, accounts.sign_out_everywhere):
            with pytest.raises(NotFound):
                await work(nobody)
        assert (await accounts.excluded_since(None)).changes == ()

    async def test_a_ban_wins_against_sign_ins_at_the_same_time(
        self, accounts: AccountStore, ada: Account
    ) -> None:
        grants = [grant(random_id().encode()) for _ in range(6)]
        outcomes = await asyncio.gather(
            *(accounts.sign_in(device(ada.user_id), one) for one in grants[:3]),
            accounts.ban(ada.user_id),
            *(accounts.sign_in(device(ada.user_id), one) for one in grants[3:]),
            return_exceptions=True,
        )
        made = {
            one.grant_id
            for one, outcome in zip(grants, outcomes[:3] + outcomes[4:], strict=True)
            if outcome is None
        }
        refused = [one for one in outcomes if isinstance(one, Exception)]
        assert all(isinstance(one, Unauthenticated) for one in refused)
        assert made == await revoked(accounts)
        assert await accounts.devices(ada.user_id, now=NOW) == []

    async def test_what_changed_is_found_by_the_stores_time(self, accounts: AccountStore) -> None:
        people = [account(name) for name in ("ada", "bob", "eve")]
        for one in people:
            await accounts.add(one)
        ada, bob, eve = (one.user_id for one in people)
        first = (await accounts.ban(ada)).exclusion
        await asyncio.sleep(0.002)
        second = (await accounts.sign_out_everywhere(bob)).exclusion
        await asyncio.sleep(0.002)
        third = (await accounts.ban(eve)).exclusion
        assert (await accounts.excluded_since(None)).changes == (first, second, third)
        after = second.changed_at + timedelta(milliseconds=1)
        assert (await accounts.excluded_since(second.changed_at)).changes == (second, third)
        assert (await accounts.excluded_since(after)).changes == (third,)
        await asyncio.sleep(0.002)
        lifted = await accounts.unban(ada)
        assert (await accounts.excluded_since(None)).changes == (second, third, lifted)

    async def test_polling_from_the_last_reading_misses_nothing(
        self, accounts: AccountStore
    ) -> None:
        known: set[UserId] = set()
        expected = set()
        moment = None
        for number in range(4):
            somebody = account(f"user{number}")
            await accounts.add(somebody)
            await accounts.ban(somebody.user_id)
            expected.add(somebody.user_id)
            reading = await accounts.excluded_since(moment)
            known.update(one.user_id for one in reading.changes)
            assert known == expected
            moment = reading.read_at


class TestChanges:
    async def test_what_changed_is_found_by_the_stores_time(self, accounts: AccountStore) -> None:
        ada, bob = account("ada"), account("bob")
        for one in (ada, bob):
            await accounts.add(one)
        before = (await accounts.changed_since(None)).read_at - timedelta(seconds=10)
        assert (await accounts.changed_since(before)).changes == ()
        await accounts.update(ada.user_id, presence="nobody")
        await asyncio.sleep(0.002)
        await accounts.update(bob.user_id, display_name="Robert")
        await asyncio.sleep(0.002)
        first = await accounts.changed_since(before)
        assert [one.user_id for one in first.changes] == [ada.user_id, bob.user_id]
        assert before < first.read_at
        await accounts.update(ada.user_id, read_receipts=False)
        second = await accounts.changed_since(before)
        assert [one.user_id for one in second.changes] == [bob.user_id, ada.user_id]
        later = second.changes[-1].changed_at
        assert (await accounts.changed_since(later)).changes == second.changes[1:]
        after = later + timedelta(milliseconds=1)
        assert (await accounts.changed_since(after)).changes == ()

    async def test_of_no_moment_nothing_has_changed(self, accounts: AccountStore) -> None:
        ada = account("ada")
        await accounts.add(ada)
        await accounts.update(ada.user_id, presence="nobody")
        assert (await accounts.changed_since(None)).changes == ()

    async def test_passwords_and_sign_ins_are_no_changes(self, accounts: AccountStore) -> None:
        ada = account("ada")
        await accounts.add(ada)
        before = (await accounts.changed_since(None)).read_at - timedelta(seconds=10)
        assert await accounts.rehash(ada.user_id, expected=ada.password_hash, password_hash="new")
        await accounts.sign_in(device(ada.user_id), grant())
        assert (await accounts.changed_since(before)).changes == ()
