"""Who is online, by the leases of the session registry."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

from msgspec import Struct

from whatchat.domain.ids import UserId

GRACE_SECONDS: Final = 10
"""So long somebody whose last socket was closed is still online, and so never away if back."""


class Standing(Struct, frozen=True, kw_only=True):
    """Whether somebody is online, and if not, since when, where the registry still knows."""

    online: bool
    last_seen: datetime | None = None


class StandingChange(Struct, frozen=True, kw_only=True):
    """Somebody who is, or is no longer, online, other than people were told last."""

    user_id: UserId
    standing: Standing


class PresenceRegistry(Protocol):
    """Knows who is online on any pod, and what people were told last of each.

    Online is who has a socket whose lease has not ended, or had one ``GRACE_SECONDS`` ago that
    was closed in order; an end shows up at the next call of :meth:`changes` on any pod.
    Times are the registry's own. A registry that lost what it knew tells nobody of an end: who
    is entered anew is news again. Every method but :meth:`when_changed` raises
    ``Unavailable`` while the registry is away.
    """

    def when_changed(self, notify: Callable[[], None]) -> None:
        """Name what is called, on the event loop, when an entering made a change to be told."""
        ...

    async def changes(self, *, limit: int, claim_seconds: int) -> Sequence[StandingChange]:
        """Claim changes that nobody has told yet, the oldest first, about ``limit`` of them.

        Each is given to one caller, and to another one if it is not :meth:`told` in time.
        What was undone before it was claimed is none.
        """
        ...

    async def told(self, changes: Collection[StandingChange]) -> None:
        """These have been told; who has changed again since is a change at once."""
        ...

    async def standings(self, user_ids: Sequence[UserId]) -> Mapping[UserId, Standing]:
        """How things stand with each of these people, known or not, in one round trip."""
        ...

    async def some_online(self, limit: int) -> Sequence[UserId]:
        """Up to about ``limit`` people who are online, whichever."""
        ...
