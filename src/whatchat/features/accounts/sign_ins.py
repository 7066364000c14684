"""Sign-ins: how they begin, are renewed and end."""

import logging
import math
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from whatchat.domain.errors import Unauthenticated
from whatchat.domain.ids import DeviceId, GrantId, UserId, random_id
from whatchat.domain.ports.account_store import AccountStore, DeviceRecord, Grant
from whatchat.domain.times import Clock, utc_now
from whatchat.features.accounts import access_tokens, refresh_tokens
from whatchat.features.accounts.access_tokens import AccessTokens
from whatchat.features.accounts.contract import TokenPair
from whatchat.features.accounts.refresh_tokens import RefreshTokens, token_hash
from whatchat.features.accounts.revocations import Revocations

log = logging.getLogger(__name__)


class Reused(Unauthenticated):
    """A spent refresh token of ``device`` was presented: its sign-in has ended."""

    def __init__(self, device: DeviceRecord) -> None:
        super().__init__()
        self.device = device


class SignIns:
    """Gives out token pairs, one chain of them for each sign-in.

    A chain ends when its device signs out or in again, when its refresh token is not used
    for ``refresh_tokens.LIFETIME_DAYS``, or when a spent refresh token is presented, which
    means that somebody else has a copy. What ends here is revoked here at once.
    """

    def __init__(
        self,
        accounts: AccountStore,
        access: AccessTokens,
        refresh: RefreshTokens,
        revocations: Revocations,
        *,
        clock: Clock = utc_now,
    ) -> None:
        self._accounts = accounts
        self._access = access
        self._refresh = refresh
        self._revocations = revocations
        self._clock = clock

    async def begin(self, device: DeviceRecord) -> TokenPair:
        """Sign in on a device, in place of what was signed in there before."""
        grant_id = GrantId(random_id())
        token = self._refresh.first(grant_id)
        grant = _grant(grant_id, token, self._clock())
        earlier = await self._accounts.sign_in(device, grant)
        if earlier:
            self._revocations.revoke([earlier])
        return self._pair(device, grant_id, token, self._clock())

    async def renew(self, token: str, nonce: str | None) -> TokenPair:
        """The pair that follows ``token``: the same again for the same nonce within the grace.

        Any other second use raises :class:`Reused`, answered like a token that is not good,
        and ends the sign-in. Without a nonce nothing can be repeated.
        """
        grant_id = self._refresh.grant_of(token)
        nonce = nonce or secrets.token_urlsafe()
        successor = self._refresh.successor(token, nonce)
        now = self._clock()
        rotation = await self._accounts.rotate(
            token_hash(token),
            nonce_hash=self._refresh.nonce_hash(nonce),
            successor=_grant(grant_id, successor, now),
            now=now,
            grace_seconds=refresh_tokens.GRACE_SECONDS,
        )
        if rotation.verdict == "reused":
            log.warning("a spent refresh token was used: its sign-in is revoked")
            self._revocations.revoke([grant_id])
            if rotation.device is not None:
                raise Reused(rotation.device)
        if rotation.device is None or rotation.at is None:
            raise Unauthenticated
        return self._pair(rotation.device, grant_id, successor, rotation.at)

    async def end(self, user_id: UserId, device_ids: Sequence[DeviceId]) -> bool:
        """Sign these devices out; false if none of them was signed in."""
        ended = await self._accounts.sign_out(user_id, device_ids)
        self._revocations.revoke(ended)
        return bool(ended)

    def _pair(self, device: DeviceRecord, grant_id: GrantId, token: str, at: datetime) -> TokenPair:
        """Made of its arguments alone, but for the seconds left."""
        access = self._access.issue(
            device.user_id, device.device_id, grant_id, jti=self._refresh.jti(token), at=at
        )
        expires_at = int(at.timestamp()) + access_tokens.LIFETIME_SECONDS
        return TokenPair(
            access_token=access,
            refresh_token=token,
            expires_in=math.ceil(expires_at - self._clock().timestamp()),
        )


def _grant(grant_id: GrantId, token: str, now: datetime) -> Grant:
    return Grant(
        grant_id=grant_id,
        token_hash=token_hash(token),
        expires_at=now + timedelta(days=refresh_tokens.LIFETIME_DAYS),
    )
