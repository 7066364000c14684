"""A way to be hostile, and what a node makes of it."""

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

from tests.e2e.hostile.line import CUT, Ending, Over, Target

Attack = Callable[[Target], Awaitable[Ending]]

HEADERS_SECONDS: Final = 10.0
BODY_SECONDS: Final = 10.0
CONNECT_SECONDS: Final = 5.0
CLOSE_SECONDS: Final = 5.0
PAUSE_SECONDS: Final = 10.0
PING_INTERVAL_SECONDS: Final = 1.0
PING_TIMEOUT_SECONDS: Final = 1.0
"""What the nodes under attack are set to; the other figures are the contract's."""

HEARTBEAT_SECONDS: Final = PING_INTERVAL_SECONDS + PING_TIMEOUT_SECONDS
SLACK_SECONDS: Final = 1.5

ENVIRONMENT: Final = {
    "WHATCHAT_PING_INTERVAL_MS": str(int(PING_INTERVAL_SECONDS * 1000)),
    "WHATCHAT_PING_TIMEOUT_MS": str(int(PING_TIMEOUT_SECONDS * 1000)),
}

CROWDED: Final = {"WHATCHAT_PING_INTERVAL_MS": "2000", "WHATCHAT_PING_TIMEOUT_MS": "5000"}
CROWDED_SECONDS: Final = 8.0
"""The same where many share a machine, and how much later everything may be there."""


class Kind(NamedTuple):
    """An attack, the endings that the contract allows, and the time until one of them."""

    attack: Attack
    endings: frozenset[Ending]
    seconds: float = 2.0

    async def run(self, target: Target) -> Ending:
        """Attack once; however it is noticed that the node has had enough."""
        try:
            return await self.attack(target)
        except Over as over:
            return over.ending
        except ConnectionError:
            return CUT


def closed(*codes: int) -> frozenset[Ending]:
    """Closed with one of these codes."""
    return frozenset(Ending("closed", code) for code in codes)


def answered(*statuses: int) -> frozenset[Ending]:
    """Answered with one of these HTTP statuses."""
    return frozenset(Ending("http", status) for status in statuses)


def ended(*endings: Ending) -> frozenset[Ending]:
    """These endings."""
    return frozenset(endings)
