"""What is to be true of people, their sign-ins and what pods know of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from whatchat.domain.audit import NEW_DEVICE, Kind
from whatchat.domain.ids import DeviceId, GrantId, UserId
from whatchat.features.accounts.contract import TokenPair

GOOD: Final = ""
REFUSED: Final = "unauthenticated"
GRACE: Final = timedelta(seconds=60)
REFRESHED_FOR: Final = timedelta(days=30)


class Done(NamedTuple):
    """An act as the audit log is to have it, of which pod."""

    pod: int
    kind: Kind
    outcome: str = "ok"
    user: UserId | None = None
    device: DeviceId | None = None
    detail: str | None = None


@dataclass
class Person:
    user_id: UserId
    username: str = ""
    password: str = ""
    exists: bool = True
    is_banned: bool = False
    ousted: int = 0
    """How often everything was ended."""


class Exchange(NamedTuple):
    nonce: str | None
    at: datetime
    pair: TokenPair


@dataclass
class SignIn:
    """What began with one sign-in; ``pairs`` is empty for those of an issuer elsewhere."""

    person: Person
    device: DeviceId
    grant: GrantId
    ends: datetime
    pairs: list[TokenPair] = field(default_factory=list)
    exchanges: dict[str, Exchange] = field(default_factory=dict)
    """By the refresh token that was spent."""

    in_force: bool = True


class Issued(NamedTuple):
    """A token of an issuer elsewhere."""

    person: Person
    session: str
    device: DeviceId
    grant: GrantId
    ends: int
    ousted: int
    text: str


@dataclass
class View:
    """What one pod has heard of."""

    revoked: set[GrantId] = field(default_factory=set)
    banned: set[UserId] = field(default_factory=set)
    ousted: dict[UserId, int] = field(default_factory=dict)
    put_out: list[UserId] = field(default_factory=list)
    met: dict[GrantId, tuple[int, bool]] = field(default_factory=dict)

    def hear(self, person: Person) -> None:
        """Learn how somebody stands."""
        (self.banned.add if person.is_banned else self.banned.discard)(person.user_id)
        if person.ousted > self.ousted.get(person.user_id, 0):
            self.ousted[person.user_id] = person.ousted
            self.put_out.append(person.user_id)

    def access(self, sign_in: SignIn) -> str:
        """Whether the access tokens of a sign-in are good here."""
        is_void = sign_in.grant in self.revoked or sign_in.person.user_id in self.banned
        return REFUSED if is_void else GOOD


class Register:
    """The truth, and the views of two pods."""

    def __init__(self) -> None:
        self.views = (View(), View())
        self.sign_ins: dict[GrantId, SignIn] = {}
        self.seen: dict[tuple[UserId, DeviceId], datetime] = {}
        self.done: Counter[Done] = Counter()

    def tell(
        self,
        pod: int,
        kind: Kind,
        *,
        outcome: str = "ok",
        user: UserId | None = None,
        device: DeviceId | None = None,
        detail: str | None = None,
    ) -> None:
        """Expect a record."""
        self.done[Done(pod, kind, outcome, user, device, detail)] += 1

    def of_user(self, person: Person) -> list[SignIn]:
        """The sign-ins in force, whether they have run out or not."""
        return [one for one in self.sign_ins.values() if one.person is person and one.in_force]

    def on_device(self, user_id: UserId, device: DeviceId) -> list[SignIn]:
        """At most one."""
        return [
            one
            for one in self.sign_ins.values()
            if (one.person.user_id, one.device) == (user_id, device) and one.in_force
        ]

    def listed(self, person: Person, now: datetime) -> list[DeviceId]:
        """The devices of somebody, latest seen first."""
        devices = [one.device for one in self.of_user(person) if one.ends > now]
        return sorted(devices, key=lambda one: (-self._seen(person, one).timestamp(), one))

    def _seen(self, person: Person, device: DeviceId) -> datetime:
        return self.seen[person.user_id, device]

    def end(self, pod: int, sign_ins: Sequence[SignIn]) -> bool:
        """They are over, which this pod knows at once."""
        for one in sign_ins:
            one.in_force = False
            self.views[pod].revoked.add(one.grant)
        return bool(sign_ins)

    def begin(
        self, person: Person, device: DeviceId, grant: GrantId, pair: TokenPair, now: datetime
    ) -> SignIn:
        """Somebody has signed in."""
        one = SignIn(person, device, grant, now + REFRESHED_FOR, [pair])
        self.sign_ins[grant] = one
        self.seen[person.user_id, device] = now
        return one

    def logged_in(self, pod: int, person: Person, device: DeviceId) -> None:
        """By password; what was in force on the device is not any more."""
        is_known = (person.user_id, device) in self.seen
        self.end(pod, self.on_device(person.user_id, device))
        detail = None if is_known else NEW_DEVICE
        self.tell(pod, "sign_in", user=person.user_id, device=device, detail=detail)

    def refresh(self, pod: int, one: SignIn, token: str, nonce: str | None, now: datetime) -> str:
        """What a refresh token leads to: ``new``, ``again`` or a refusal."""
        if not one.in_force or one.ends <= now:
            return REFUSED
        if token == one.pairs[-1].refresh_token:
            return "new"
        earlier = one.exchanges[token]
        if nonce is not None and earlier.nonce == nonce and earlier.at >= now - GRACE:
            return "again"
        self.end(pod, [one])
        user, device = one.person.user_id, one.device
        self.tell(pod, "refresh.reused", outcome=REFUSED, user=user, device=device)
        return REFUSED

    def refreshed(
        self, one: SignIn, token: str, nonce: str | None, pair: TokenPair, now: datetime
    ) -> None:
        """A token was exchanged."""
        one.exchanges[token] = Exchange(nonce, now, pair)
        one.pairs.append(pair)
        one.ends = now + REFRESHED_FOR
        self.seen[one.person.user_id, one.device] = now

    def oust(self, pod: int, person: Person, *, bans: bool) -> int:
        """Everything is ended; says how many sign-ins were."""
        ended = self.of_user(person)
        if not (bans and person.is_banned):
            person.ousted += 1
        person.is_banned = person.is_banned or bans
        self.end(pod, ended)
        self.views[pod].hear(person)
        return len(ended)

    def enter(self, pod: int, token: Issued, now: datetime, ends: datetime) -> str:
        """What a token of the issuer elsewhere leads to."""
        view, user = self.views[pod], token.person.user_id
        if user in view.banned or token.ousted < view.ousted.get(user, 0):
            return REFUSED
        met = view.met.get(token.grant)
        if met is None or (met[1] and met[0] < token.ends):
            is_kept = self._keep(pod, token, now, ends)
            if is_kept is None:
                return REFUSED
            met = view.met[token.grant] = (token.ends, is_kept)
        return GOOD if met[1] and token.grant not in view.revoked else REFUSED

    def _keep(self, pod: int, token: Issued, now: datetime, ends: datetime) -> bool | None:
        """Whether the store has the sign-in in force now; ``None``: it keeps none."""
        person, user = token.person, token.person.user_id
        if not person.exists:
            person.exists = True
            self.tell(pod, "account.registered", user=user, detail="external")
        if person.is_banned:
            return None
        one = self.sign_ins.get(token.grant)
        if one is not None and not one.in_force:
            self.tell(pod, "sign_in", outcome=REFUSED, user=user)
            return False
        if one is None:
            one = self.sign_ins[token.grant] = SignIn(person, token.device, token.grant, ends)
            self.tell(pod, "sign_in", user=user, device=token.device, detail="external")
        one.ends = max(one.ends, ends)
        self.seen[user, token.device] = max(now, self.seen.get((user, token.device), now))
        return True
