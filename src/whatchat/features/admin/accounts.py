"""What operators may see of people, and do about their access."""

from typing import Final

from msgspec import UNSET

from whatchat.domain.actor import Operator
from whatchat.domain.audit import party
from whatchat.domain.errors import NotFound
from whatchat.domain.ids import UserId
from whatchat.domain.ports.account_store import Account, AccountStore, DeviceRecord
from whatchat.domain.ports.inventory import Inventory
from whatchat.domain.ports.limiter import Limiter
from whatchat.domain.ports.moderation import Moderation
from whatchat.domain.ports.report_store import ReportStore
from whatchat.domain.ports.session_registry import Session, SessionRegistry
from whatchat.domain.times import Clock, timestamp
from whatchat.features.admin.contract import (
    BanAccount,
    ForgiveAccount,
    InspectAccount,
    ListAccounts,
    SignOutAccount,
    UnbanAccount,
)
from whatchat.features.admin.views import (
    AccountDetail,
    AccountPage,
    AccountSummary,
    KnownDevice,
    LiveSocket,
    SignOuts,
)
from whatchat.observability.logging import hashed

MOST_REPORTS: Final = 100
"""Open reports about a person are counted up to this."""


class AccountDesk:
    """Looks at accounts and at their sockets on all pods, and ends and bars access."""

    def __init__(
        self,
        inventory: Inventory,
        accounts: AccountStore,
        reports: ReportStore,
        sessions: SessionRegistry,
        moderation: Moderation,
        limiter: Limiter | None,
        clock: Clock,
    ) -> None:
        self._inventory = inventory
        self._accounts = accounts
        self._reports = reports
        self._sessions = sessions
        self._moderation = moderation
        self._limiter = limiter
        self._clock = clock

    async def list(self, _operator: Operator, command: ListAccounts) -> AccountPage:
        """A page of accounts, by username."""
        found = await self._inventory.accounts(
            query=command.query,
            banned=None if command.banned is UNSET else command.banned,
            after=None if command.after is UNSET else command.after,
            limit=command.limit + 1,
        )
        page = found[: command.limit]
        following = page[-1].username if len(found) > command.limit else UNSET
        return AccountPage(users=[_summary(account) for account in page], next=following)

    async def inspect(self, _operator: Operator, command: InspectAccount) -> AccountDetail:
        """One account, with what is known of its access."""
        account = await self._account(command.user_id)
        user_id = account.user_id
        devices = await self._accounts.devices(user_id, now=self._clock())
        sessions = await self._sessions.of_user(user_id)
        slowed = await self._limiter.factor_of(_owner(user_id)) if self._limiter else 1
        return AccountDetail(
            user=_summary(account),
            ban_reason=account.ban_reason or UNSET,
            devices=[_device(device) for device in devices],
            sockets=[_socket(session) for session in sessions],
            open_reports=await self._reports.open_about(user_id, limit=MOST_REPORTS),
            slowed_by=slowed,
        )

    async def ban(self, operator: Operator, command: BanAccount) -> None:
        """End every sign-in and refuse new ones; harmless if that is so."""
        reason = None if command.reason is UNSET else command.reason
        await self._moderation.ban(command.user_id, by=party(operator), reason=reason)

    async def unban(self, operator: Operator, command: UnbanAccount) -> None:
        """Let the person sign in again; harmless if that is so."""
        await self._moderation.unban(command.user_id, by=party(operator))

    async def sign_out(self, operator: Operator, command: SignOutAccount) -> SignOuts:
        """End every sign-in; the person may sign in again."""
        ended = await self._moderation.sign_out(command.user_id, by=party(operator))
        return SignOuts(ended=ended)

    async def forgive(self, _operator: Operator, command: ForgiveAccount) -> None:
        """Charge the person as everybody again; harmless if that is so."""
        account = await self._account(command.user_id)
        if self._limiter is not None:
            await self._limiter.forgive(_owner(account.user_id))

    async def _account(self, user_id: UserId) -> Account:
        found = await self._accounts.by_ids((user_id,))
        if user_id not in found:
            raise NotFound("no such user", field="userId")
        return found[user_id]


def _owner(user_id: UserId) -> str:
    """Whose quotas a person's are."""
    return f"user:{user_id}"


def _summary(account: Account) -> AccountSummary:
    return AccountSummary(
        id=account.user_id,
        username=account.username,
        display_name=account.display_name,
        created_at=timestamp(account.created_at),
        banned_at=timestamp(account.banned_at) if account.banned_at else UNSET,
    )


def _device(device: DeviceRecord) -> KnownDevice:
    return KnownDevice(
        id=device.device_id,
        name=device.name,
        created_at=timestamp(device.created_at),
        last_seen_at=timestamp(device.last_seen_at),
    )


def _socket(session: Session) -> LiveSocket:
    return LiveSocket(
        socket=hashed(session.session_id),
        device_id=session.device_id,
        pod=session.pod,
        since=timestamp(session.since),
    )
