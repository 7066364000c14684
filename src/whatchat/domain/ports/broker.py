"""Copies and wake-ups between pods."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from whatchat.domain.audience import Announcement
from whatchat.domain.ids import RoomId, UserId

Listener = Callable[[Announcement], None]


class Broker(Protocol):
    """Carries announcements to every pod that listens for their room, user or topic.

    Delivery is at most once and never blocks: the store is the truth, and whoever missed
    something reads it there. Announcements of one :meth:`publish` arrive in their order, those
    of other pods as ``remote``.

    Where the broker can be away while pods live on, subscribing does not fail: it is in
    force when the broker is back, and everybody is told by :meth:`when_resumed`.
    """

    def listen(self, listener: Listener) -> None:
        """Name what is called, on the event loop, with each announcement that arrives."""
        ...

    def when_resumed(self, notify: Callable[[], None]) -> None:
        """Name what is called, on the event loop, after each interruption of hearing.

        All subscriptions are in force by then; what was published meanwhile has been missed.
        """
        ...

    async def check_hearing(self) -> None:
        """Raise ``Unavailable`` while this pod is deaf: it can publish and does not hear.

        A broker that cannot be reached at all makes no pod deaf.
        """
        ...

    def publish(self, announcements: Sequence[Announcement]) -> Awaitable[None]:
        """Send copies to all pods, in the order of the calls; nobody has to wait for them.

        This pod's listeners have heard them on return. What is returned is settled within
        seconds: by ``Unavailable`` unless it is known that the broker has them.
        """
        ...

    async def subscribe_users(self, user_ids: Sequence[UserId]) -> None:
        """Hear what is for these users; in force on return."""
        ...

    async def unsubscribe_users(self, user_ids: Sequence[UserId]) -> None:
        """Stop hearing it."""
        ...

    async def subscribe_rooms(self, room_ids: Sequence[RoomId]) -> None:
        """Hear what is for these rooms; in force on return."""
        ...

    async def unsubscribe_rooms(self, room_ids: Sequence[RoomId]) -> None:
        """Stop hearing it."""
        ...

    async def subscribe_topic(self, topic: str) -> None:
        """Hear what is for the pods that listen for it, from here on; in force on return."""
        ...

    async def close(self) -> None:
        """Stop listening."""
        ...
