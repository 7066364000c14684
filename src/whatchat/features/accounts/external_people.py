"""People whom an issuer elsewhere signs in."""

import asyncio
import hashlib
from collections import OrderedDict
from datetime import datetime
from time import monotonic
from typing import Final, NamedTuple

import msgspec

from whatchat.domain.actor import Actor
from whatchat.domain.audit import Act
from whatchat.domain.errors import Unauthenticated, Unavailable
from whatchat.domain.ids import DeviceId, GrantId, UserId
from whatchat.domain.ports.account_store import Account, AccountStore, DeviceRecord, Grant
from whatchat.domain.ports.audit_trail import AuditTrail
from whatchat.domain.times import EPOCH, Clock, from_millis, utc_now
from whatchat.features.accounts.exclusions import Exclusions
from whatchat.features.accounts.external_names import display_name, usernames
from whatchat.features.accounts.external_tokens import ExternalClaims, ExternalTokens

KNOWN_SECONDS: Final = 600.0
MAX_KNOWN: Final = 50_000
DEADLINE_SECONDS: Final = 5.0
EXTERNAL: Final = "external"


class _Known(NamedTuple):
    """A sign-in as the store had it: refused, or recorded up to ``expires_at``."""

    until: float
    expires_at: int
    is_good: bool


class ExternalPeople:
    """Gives people of an issuer an account, and their sessions there a device.

    Every id is a digest under the store's ``secret``: of issuer and ``sub`` for the user, and of
    the session as well for the device and its grant. So any pod, and any number at once, come
    to the same account and device. A device that was signed out stays so, whatever tokens its
    session still gets. A sign-in met before costs no round trip for :data:`KNOWN_SECONDS`,
    which is less than a revocation is remembered.
    """

    def __init__(
        self,
        tokens: ExternalTokens,
        accounts: AccountStore,
        exclusions: Exclusions,
        trail: AuditTrail,
        *,
        secret: bytes,
        clock: Clock = utc_now,
    ) -> None:
        self._tokens = tokens
        self._accounts = accounts
        self._exclusions = exclusions
        self._trail = trail
        self._secret = secret
        self._clock = clock
        self._known: OrderedDict[GrantId, _Known] = OrderedDict()

    def are_meant_by(self, token: str) -> bool:
        """Whether a token says that it comes from their issuer."""
        return self._tokens.are_meant_by(token)

    async def actor(self, token: str, address: str) -> Actor:
        """Who a token of the issuer speaks for; ``Unauthenticated`` if it is not good."""
        claims = await self._tokens.verify(token)
        session = claims.session
        if session is None:
            raise Unauthenticated
        actor = Actor(
            user_id=UserId(self._digest("user", claims.iss, claims.sub)),
            device_id=DeviceId(self._digest("device", claims.iss, claims.sub, session)),
            grant_id=GrantId(self._digest("grant", claims.iss, claims.sub, session)),
            expires_at=int(claims.exp),
            address=address,
            issued_at=claims.iat or claims.auth_time or 0,
        )
        self._require_in_force(actor)
        await self._require_kept(actor, claims)
        # Again: whoever was signed out everywhere meanwhile had no socket to close yet.
        self._require_in_force(actor)
        return actor

    def _require_in_force(self, actor: Actor) -> None:
        if self._exclusions.void(actor.user_id, actor.issued_at or 0):
            raise Unauthenticated

    async def _require_kept(self, actor: Actor, claims: ExternalClaims) -> None:
        known = self._known.get(actor.grant_id)
        is_fresh = known is not None and known.until > monotonic()
        if known is None or not is_fresh or (known.is_good and known.expires_at < actor.expires_at):
            known = await self._ask(actor, claims)
        if not known.is_good:
            raise Unauthenticated

    async def _ask(self, actor: Actor, claims: ExternalClaims) -> _Known:
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                is_good = await self._keep(actor, claims)
        except TimeoutError:
            raise Unavailable from None
        known = _Known(monotonic() + KNOWN_SECONDS, actor.expires_at, is_good)
        self._known[actor.grant_id] = known
        self._known.move_to_end(actor.grant_id)
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
        return known

    async def _keep(self, actor: Actor, claims: ExternalClaims) -> bool:
        """Record the sign-in, once for all pods; whether it is in force."""
        await self._require_account(actor, claims)
        now = self._clock()
        device = DeviceRecord(
            device_id=actor.device_id,
            user_id=actor.user_id,
            name=f"Signed in at {_host(claims.iss)}"[:100],
            created_at=now,
            last_seen_at=now,
        )
        ends = _moment(actor.expires_at)
        grant = Grant(grant_id=actor.grant_id, token_hash=b"", expires_at=ends)
        kept = await self._accounts.keep_signed_in(device, grant)
        if kept == "ended":
            refused = Act(kind="sign_in", outcome=Unauthenticated.code, user_id=actor.user_id)
            await self._trail.record(actor, refused)
            return False
        if kept == "begun":
            begun = Act(
                kind="sign_in",
                user_id=actor.user_id,
                device_id=actor.device_id,
                detail=EXTERNAL,
            )
            await self._trail.record(actor, begun)
        return True

    async def _require_account(self, actor: Actor, claims: ExternalClaims) -> None:
        user_id = actor.user_id
        if user_id in await self._accounts.by_ids((user_id,)):
            return
        for username in usernames(claims.preferred_username, claims.sub, user_id):
            account = Account(
                user_id=user_id,
                username=username,
                display_name=display_name(claims.name, username),
                password_hash="",
                created_at=self._clock(),
            )
            if await self._accounts.add(account):
                opened = Act(kind="account.registered", user_id=user_id, detail=EXTERNAL)
                await self._trail.record(actor, opened)
                return
            if user_id in await self._accounts.by_ids((user_id,)):
                return  # another pod was faster
        raise Unavailable

    def _digest(self, *parts: str) -> str:
        text = msgspec.json.encode(("external", *parts))
        return hashlib.blake2b(text, key=self._secret, digest_size=16).hexdigest()


def _host(issuer: str) -> str:
    return issuer.partition("://")[2].partition("/")[0]


def _moment(seconds: int) -> datetime:
    return max(EPOCH, from_millis(seconds * 1_000))
