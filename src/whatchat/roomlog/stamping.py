"""Making entries: rev, time, pod and digest."""

import hashlib
from datetime import datetime, timedelta
from typing import Final

from msgspec import UNSET
from msgspec.structs import replace

from whatchat.domain.ids import Rev
from whatchat.domain.log import AnyChange, Entry, MessagePosted
from whatchat.domain.models import RoomSettings
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
        """The entry that puts ``change`` after ``state``.

        What people say is given its end, and its lot, as the room has it for messages.
        """
        now = self._clock()
        return Entry(
            room_id=state.record.room_id,
            rev=Rev(state.rev + 1),
            actor_id=proposal.actor.user_id,
            client_id=proposal.client_id,
            digest=self.digest(proposal),
            at=now,
            pod=self._pod,
            change=_as_set(change, state.record.settings, now),
        )

    def digest(self, proposal: Proposal) -> bytes:
        """The proposal's body under the store's secret: equal bodies alone are recognised."""
        return hashlib.blake2b(proposal.body, key=self._secret, digest_size=DIGEST_BYTES).digest()


def _as_set(change: AnyChange, settings: RoomSettings, now: datetime) -> AnyChange:
    if not isinstance(change, MessagePosted) or change.message_type == "system":
        return change
    seconds = settings.disappear_after_seconds
    return replace(
        change,
        expires_at=None if seconds is UNSET else now + timedelta(seconds=seconds),
        deliver_only=settings.deliver_only,
    )
