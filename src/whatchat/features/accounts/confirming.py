"""What is made sure of once a sign-in is in the store."""

from contextlib import suppress

from whatchat.domain.errors import ChatError, Unauthenticated
from whatchat.domain.ports.account_store import Account, AccountStore, DeviceRecord
from whatchat.features.accounts.passwords import PasswordHasher
from whatchat.features.accounts.sign_ins import SignIns


class Confirming:
    """Looks again at an account that somebody has just signed in to."""

    def __init__(
        self, accounts: AccountStore, passwords: PasswordHasher, sign_ins: SignIns
    ) -> None:
        self._accounts = accounts
        self._passwords = passwords
        self._sign_ins = sign_ins

    async def confirm(self, account: Account, device: DeviceRecord, password: str) -> None:
        """Undo a sign-in whose password was changed while it was being checked.

        The change signs out every device it sees; one that it could not see yet is seen
        here, because the password is read again only after the sign-in is in the store.
        """
        now = (await self._accounts.by_ids((account.user_id,))).get(account.user_id)
        changed = now is None or now.password_hash != account.password_hash
        if now is None or (
            changed and not await self._passwords.verify(password, now.password_hash)
        ):
            await self._sign_ins.end(account.user_id, [device.device_id])
            raise Unauthenticated
        if self._passwords.is_outdated(now.password_hash):
            await self._rehash(now, password)

    async def _rehash(self, account: Account, password: str) -> None:
        """Bring the hash up to today's parameters; if that fails, the next login will."""
        with suppress(ChatError):
            await self._accounts.rehash(
                account.user_id,
                expected=account.password_hash,
                password_hash=await self._passwords.hash(password),
            )
