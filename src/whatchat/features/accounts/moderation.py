"""Ending and barring somebody's access as a whole."""

from whatchat.domain.audit import Act, Party
from whatchat.domain.ids import UserId
from whatchat.domain.ports.account_store import AccountStore, SignedOut
from whatchat.domain.ports.audit_trail import AuditTrail
from whatchat.features.accounts.exclusions import Exclusions
from whatchat.features.accounts.revocations import Revocations


class AccountModeration:
    """Implements ``Moderation``: in force here at once, on other pods when they next ask."""

    def __init__(
        self,
        accounts: AccountStore,
        revocations: Revocations,
        exclusions: Exclusions,
        trail: AuditTrail,
    ) -> None:
        self._accounts = accounts
        self._revocations = revocations
        self._exclusions = exclusions
        self._trail = trail

    async def sign_out(self, user_id: UserId, *, by: Party) -> int:
        ended = self._enforce(await self._accounts.sign_out_everywhere(user_id))
        await self._trail.record(by, Act(kind="account.signed_out", user_id=user_id))
        return ended

    async def ban(self, user_id: UserId, *, by: Party, reason: str | None = None) -> None:
        self._enforce(await self._accounts.ban(user_id, reason=reason))
        await self._trail.record(by, Act(kind="account.banned", user_id=user_id))

    async def unban(self, user_id: UserId, *, by: Party) -> None:
        if exclusion := await self._accounts.unban(user_id):
            self._exclusions.take(exclusion)
        await self._trail.record(by, Act(kind="account.unbanned", user_id=user_id))

    def _enforce(self, signed_out: SignedOut) -> int:
        self._revocations.revoke(signed_out.grant_ids)
        self._exclusions.take(signed_out.exclusion)
        return len(signed_out.grant_ids)
