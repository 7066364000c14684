"""The rules of accounts, devices and profiles."""

from typing import Final, TypeVar

from msgspec import UNSET, UnsetType

from whatchat.domain.actor import Actor, Visitor
from whatchat.domain.audit import NEW_DEVICE, Act
from whatchat.domain.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Unauthenticated,
)
from whatchat.domain.ids import UserId, random_id
from whatchat.domain.models import Profile, User
from whatchat.domain.ports.account_store import Account, AccountStore, DeviceRecord
from whatchat.domain.ports.audit_trail import AuditTrail
from whatchat.domain.ports.user_directory import UserDirectory
from whatchat.domain.times import Clock, utc_now
from whatchat.features.accounts.attempts import PasswordAttempts
from whatchat.features.accounts.bad_tokens import BadTokens
from whatchat.features.accounts.confirming import Confirming
from whatchat.features.accounts.contract import (
    ChangePassword,
    DeviceList,
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
    UserList,
)
from whatchat.features.accounts.devices import UNNAMED_DEVICE, Devices
from whatchat.features.accounts.directory import user_of
from whatchat.features.accounts.passwords import PasswordHasher
from whatchat.features.accounts.revocations import Revocations
from whatchat.features.accounts.sign_ins import Reused, SignIns
from whatchat.features.accounts.views import device_view, profile_view

T = TypeVar("T")

GUESSABLE: Final = (
    "the password is too easy to guess: take several words that have nothing to do with each"
    " other, or let a password manager make one"
)


class AccountService:
    """Lets people register, sign in and out, and look after their devices and profile."""

    def __init__(
        self,
        accounts: AccountStore,
        passwords: PasswordHasher,
        sign_ins: SignIns,
        revocations: Revocations,
        directory: UserDirectory,
        trail: AuditTrail,
        *,
        attempts: PasswordAttempts | None = None,
        bad_tokens: BadTokens | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._accounts = accounts
        self._passwords = passwords
        self._sign_ins = sign_ins
        self._revocations = revocations
        self._directory = directory
        self._trail = trail
        self._attempts = attempts or PasswordAttempts(None, trail)
        self._bad_tokens = bad_tokens or BadTokens(trail, limited=False)
        self._clock = clock
        self._devices = Devices(accounts, clock)
        self._confirming = Confirming(accounts, passwords, sign_ins)

    async def register(self, visitor: Visitor, command: Register) -> SignedIn:
        """Open an account; ``Conflict`` if the username is taken.

        That a name is taken is no secret, so nothing is hashed to hide it.
        """
        if await self._accounts.by_username(command.username):
            raise _taken()
        display_name = _given(command.display_name) or command.username
        account = Account(
            user_id=UserId(random_id()),
            username=command.username,
            display_name=display_name,
            password_hash=await self._new_hash(
                visitor, command.password, "password", command.username, display_name
            ),
            created_at=self._clock(),
        )
        if not await self._accounts.add(account):
            raise _taken()
        answer = await self._sign_in(account, self._devices.new(account, UNNAMED_DEVICE))
        registered = Act(
            kind="account.registered", user_id=account.user_id, device_id=answer.device_id
        )
        await self._trail.record(visitor, registered)
        return answer

    async def login(self, visitor: Visitor, command: Login) -> SignedIn:
        """Sign in; ``Unauthenticated``, after the same time, for the unknown and banned too.

        Recorded whatever comes of it: of a name that nobody has, only where it came from.
        """
        account = await self._accounts.by_username(command.username)
        user_id = account.user_id if account else None
        known = await self._devices.known(user_id, _given(command.device_id))
        try:
            account = await self._whose(account, visitor, command, known)
            answer = await self._admit(account, known, command)
        except Unauthenticated as refusal:
            refused = Act(kind="sign_in", outcome=refusal.code, user_id=user_id)
            await self._trail.record(visitor, refused)
            raise
        await self._trail.record(
            visitor,
            Act(
                kind="sign_in",
                user_id=user_id,
                device_id=answer.device_id,
                detail=None if known else NEW_DEVICE,
            ),
        )
        return answer

    async def _whose(
        self,
        account: Account | None,
        visitor: Visitor,
        command: Login,
        known: DeviceRecord | None,
    ) -> Account:
        """The account, if the password is right and it is not banned.

        Whatever is wrong, the same is asked of the limiter and the hasher.
        """
        device_id = known.device_id if known else None
        async with self._attempts.of_sign_in(visitor, command.username, device_id):
            expected = account.password_hash if account else None
            right = await self._passwords.verify(command.password, expected)
            if account is None or not right or account.banned_at is not None:
                raise Unauthenticated
            return account

    async def _admit(
        self, account: Account, known: DeviceRecord | None, command: Login
    ) -> SignedIn:
        device = self._devices.of_sign_in(account, known, _given(command.device_name))
        answer = await self._sign_in(account, device)
        await self._confirming.confirm(account, device, command.password)
        return answer

    async def refresh(self, visitor: Visitor, command: Refresh) -> TokenPair:
        """Exchange a refresh token; ``Unauthenticated`` if it is spent, unknown or expired."""
        try:
            return await self._sign_ins.renew(command.refresh_token, _given(command.nonce))
        except Unauthenticated as refusal:
            if isinstance(refusal, Reused):
                await self._trail.record(visitor, _reuse_of(refusal.device))
            self._bad_tokens.refused(visitor.address)
            raise

    async def logout(self, actor: Actor, _command: Logout) -> None:
        """Sign the caller's device out; harmless if it is already."""
        if await self._sign_ins.end(actor.user_id, [actor.device_id]):
            await self._trail.record(actor, Act(kind="sign_out", device_id=actor.device_id))

    async def change_password(self, actor: Actor, command: ChangePassword) -> None:
        """Replace the password and sign out every device but the caller's.

        ``Forbidden`` if the current one is wrong, or if there is none because the user signs
        in elsewhere; ``Conflict`` if it changed meanwhile.
        """
        account = await self._account(actor)
        if not account.password_hash:
            raise Forbidden("this account has no password: it signs in elsewhere")
        try:
            await self._require_password(actor, account, command.current_password)
        except Forbidden as refusal:
            refused = Act(kind="password.changed", outcome=refusal.code, user_id=actor.user_id)
            await self._trail.record(actor, refused)
            raise
        ended = await self._accounts.change_password(
            account.user_id,
            expected=account.password_hash,
            password_hash=await self._new_hash(
                actor, command.new_password, "newPassword", account.username, account.display_name
            ),
            keep=actor.device_id,
        )
        if ended is None:
            raise Conflict("the password was changed meanwhile", field="currentPassword")
        self._revocations.revoke(ended)
        await self._trail.record(actor, Act(kind="password.changed", user_id=actor.user_id))

    async def list_devices(self, actor: Actor, _command: ListDevices) -> DeviceList:
        """The caller's signed-in devices, latest seen first."""
        records = await self._accounts.devices(actor.user_id, now=self._clock())
        return DeviceList(devices=[device_view(record, actor.device_id) for record in records])

    async def sign_out_device(self, actor: Actor, command: SignOutDevice) -> None:
        """Sign one of the caller's devices out; ``NotFound`` if it is not signed in."""
        if not await self._sign_ins.end(actor.user_id, [command.device_id]):
            raise NotFound
        act = Act(kind="device.signed_out", user_id=actor.user_id, device_id=command.device_id)
        await self._trail.record(actor, act)

    async def get_me(self, actor: Actor, _command: GetMe) -> Profile:
        """The caller's own profile."""
        return profile_view(await self._account(actor))

    async def update_me(self, actor: Actor, command: UpdateMe) -> Profile:
        """Change the caller's profile; other pods know of it within two seconds."""
        account = await self._accounts.update(
            actor.user_id,
            display_name=_given(command.display_name),
            presence=_given(command.presence),
            read_receipts=_given(command.read_receipts),
        )
        self._directory.forget(actor.user_id)
        return profile_view(account)

    async def search_users(self, _actor: Actor, command: SearchUsers) -> UserList:
        """People whose username begins with, or whose display name contains, the query."""
        found = await self._accounts.search(command.query, limit=command.limit)
        return UserList(users=[user_of(account) for account in found])

    async def get_user(self, _actor: Actor, command: GetUser) -> User:
        """One person; ``NotFound`` if there is no such account."""
        found = await self._directory.users((command.user_id,))
        if command.user_id not in found:
            raise NotFound
        return found[command.user_id]

    async def _require_password(self, actor: Actor, account: Account, password: str) -> None:
        async with self._attempts.of_change(actor):
            if not await self._passwords.verify(password, account.password_hash):
                raise Forbidden("the current password is wrong", field="currentPassword")

    async def _new_hash(self, who: Actor | Visitor, password: str, field: str, *names: str) -> str:
        """The hash of a password that is not soon guessed, else ``Invalid``."""
        async with self._attempts.of_new(who):
            hashed = await self._passwords.hash_new(password, *names)
        if hashed is None:
            raise Invalid(GUESSABLE, field=field, reason="guessable")
        return hashed

    async def _account(self, actor: Actor) -> Account:
        found = await self._accounts.by_ids((actor.user_id,))
        if actor.user_id not in found:
            raise Unauthenticated
        return found[actor.user_id]

    async def _sign_in(self, account: Account, device: DeviceRecord) -> SignedIn:
        pair = await self._sign_ins.begin(device)
        return SignedIn(
            user=user_of(account),
            device_id=device.device_id,
            access_token=pair.access_token,
            refresh_token=pair.refresh_token,
            expires_in=pair.expires_in,
        )


def _taken() -> Conflict:
    return Conflict("the username is taken", field="username")


def _reuse_of(device: DeviceRecord) -> Act:
    return Act(
        kind="refresh.reused",
        outcome=Reused.code,
        user_id=device.user_id,
        device_id=device.device_id,
    )


def _given(value: T | UnsetType) -> T | None:
    return None if value is UNSET else value
