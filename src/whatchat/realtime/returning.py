"""Clients who come back to the pod that has just sent them away, as their proxy has them do."""

from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import Final

from whatchat.domain.networks import network_of
from whatchat.realtime.refusals import ELSEWHERE, Refusal

BACK_SECONDS: Final = 30.0
"""Who was sent away is back within so long, if at all."""


class Returning:
    """Turns away, once for each that was sent away, who comes from the same network soon after.

    A proxy that keeps clients where they were brings them back. Of a refused handshake it then
    tries another pod; or the client forgets the proxy's ``cookie`` and comes again without.
    """

    def __init__(self, cookie: str = "", *, clock: Callable[[], float] = monotonic) -> None:
        self._refusal = ELSEWHERE._replace(forget=cookie)
        self._clock = clock
        self._expected: dict[str, deque[float]] = {}

    def expect(self, address: str, after_seconds: float = 0.0) -> None:
        """A client from this address is told to go that much later."""
        until = self._clock() + after_seconds + BACK_SECONDS
        self._expected.setdefault(network_of(address), deque()).append(until)

    def refusal(self, address: str) -> Refusal | None:
        """Why a newcomer from an address is not taken, if it is not."""
        if not self._expected:  # nearly always
            return None
        network = network_of(address)
        if not self._still(network):
            return None
        self._expected[network].popleft()
        self._still(network)
        return self._refusal

    def forget(self, *, all_of_them: bool = False) -> None:
        """Expect those no longer who did not come back in time, or nobody."""
        if all_of_them:
            self._expected.clear()
        for network in tuple(self._expected):
            self._still(network)

    def _still(self, network: str) -> bool:
        """Whether anybody is expected from there."""
        expected, now = self._expected.get(network), self._clock()
        if expected is None:
            return False
        while expected and expected[0] <= now:
            expected.popleft()
        if not expected:
            del self._expected[network]
        return bool(expected)
