"""The devices that people sign in on."""

from typing import Final

from msgspec.structs import replace

from whatchat.domain.ids import DeviceId, UserId, random_id
from whatchat.domain.ports.account_store import Account, AccountStore, DeviceRecord
from whatchat.domain.times import Clock

NOBODY: Final = UserId("-")
UNNAMED_DEVICE: Final = "Unnamed device"


class Devices:
    """Finds known devices, and makes records of new ones."""

    def __init__(self, accounts: AccountStore, clock: Clock) -> None:
        self._accounts = accounts
        self._clock = clock

    async def known(
        self, user_id: UserId | None, device_id: DeviceId | None
    ) -> DeviceRecord | None:
        """The device named, if it is this user's; nobody's are looked for as anybody's."""
        if device_id is None:
            return None
        return await self._accounts.device(user_id or NOBODY, device_id)

    def of_sign_in(
        self, account: Account, known: DeviceRecord | None, name: str | None
    ) -> DeviceRecord:
        """The device signed in on: the one that is known, else a new one."""
        if known is None:
            return self.new(account, name or UNNAMED_DEVICE)
        return replace(known, name=name or known.name, last_seen_at=self._clock())

    def new(self, account: Account, name: str) -> DeviceRecord:
        """One that nobody has seen yet."""
        now = self._clock()
        return DeviceRecord(
            device_id=DeviceId(random_id()),
            user_id=account.user_id,
            name=name,
            created_at=now,
            last_seen_at=now,
        )
