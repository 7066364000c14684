"""Making entries: rev, time, pod and digest."""

import hashlib
from typing import Final

from whatchat.domain.ids import Rev
from whatchat.domain.log import AnyChange, Entry
from whatchat.domain.ports.room_log import Proposal
from whatchat.domain.room_state import RoomState
from whatchat.domain.times import Clock

DIGEST_BYTES: Final = 16


class Stamp:
    """Turns a decided change into the entry that follows the room's state."""

    def __init__(self, *, secret: bytes, pod: str, clock: Clock) -> None:
        self._secret = secret
        self._pod = pod
        self._clock = clock

    def entry(self, state: RoomState, proposal: Proposal, change: AnyChange) -> Entry:
        """The entry that puts ``change`` after ``state``."""
        return Entry(
            room_id=state.record.room_id,
            rev=Rev(state.rev + 1),
            actor_id=proposal.actor.user_id,
            client_id=proposal.client_id,
            digest=self.digest(proposal),
            at=self._clock(),
            pod=self._pod,
            change=change,
        )

    def digest(self, proposal: Proposal) -> bytes:
        """The proposal's body under the store's secret: equal bodies alone are recognised."""
        return hashlib.blake2b(proposal.body, key=self._secret, digest_size=DIGEST_BYTES).digest()
