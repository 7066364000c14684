"""A locustfile: lively people who come with tokens that are about to run out."""

from datetime import UTC, datetime, timedelta
from typing import Final

from loadtests.scenarios.steady import SCENARIO
from loadtests.swarm.people import play
from loadtests.swarm.tokens import Tokens
from loadtests.swarm.user import ChatUser
from whatchat.domain.ids import DeviceId, GrantId, UserId, random_id
from whatchat.features.accounts.access_tokens import LIFETIME_SECONDS

WARNED_BEFORE: Final = 60
LEFT_SECONDS: Final = 1.5


class OldTokens(Tokens):
    """The first for each person was signed nearly a quarter of an hour ago."""

    def __init__(self, secret: str) -> None:
        super().__init__(secret)
        self._known: set[UserId] = set()

    def token(self, user_id: UserId, device_id: str = "load") -> str:
        age = LIFETIME_SECONDS - WARNED_BEFORE - LEFT_SECONDS
        at = datetime.now(UTC)
        if user_id not in self._known:
            self._known.add(user_id)
            at -= timedelta(seconds=age)
        names = DeviceId(device_id), GrantId(random_id())
        return self._issuer.issue(user_id, *names, jti=random_id(), at=at)


setattr(play, "Tokens", OldTokens)  # noqa: B010  # where it is looked up


class ExpiringUser(ChatUser):
    scenario = SCENARIO
