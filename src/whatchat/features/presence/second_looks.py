"""What changes for those who look when blocks and settings change."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any, Final

import structlog

from whatchat.domain.errors import ChatError
from whatchat.domain.ids import SessionId, UserId
from whatchat.domain.ports.blocks import Blocks
from whatchat.domain.ports.live_users import LiveUsers
from whatchat.domain.tasks import ended
from whatchat.features.presence.contract import changed
from whatchat.features.presence.sight import Sight
from whatchat.features.presence.statuses import Statuses
from whatchat.features.presence.watchers import Watchers
from whatchat.observability.metrics import Metrics

log = structlog.get_logger()

MAX_WAITING: Final = 1_000

Look = Callable[[], Coroutine[Any, Any, None]]


class SecondLooks:
    """Tells this pod's sockets anew how things stand, where they may see more or less.

    Those who share a direct room with the person, and those who watch: who lost sight is
    told "offline" as of anybody unknown, who gained it how things stand. What waits is
    bounded: above that it is dropped, and counted.
    """

    def __init__(
        self,
        sight: Sight,
        statuses: Statuses,
        watchers: Watchers,
        blocks: Blocks,
        live: LiveUsers,
        metrics: Metrics,
    ) -> None:
        self._sight = sight
        self._statuses = statuses
        self._watchers = watchers
        self._blocks = blocks
        self._live = live
        self._metrics = metrics
        self._waiting: asyncio.Queue[Look] = asyncio.Queue(MAX_WAITING)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._blocks.listen(self._block_changed)
        self._task = asyncio.create_task(self._run(), name="presence-second-looks")

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            await ended(self._task)

    def setting_changed(self, user_id: UserId) -> None:
        """Somebody's ``presence`` setting may be another one, in force here."""
        self._put(partial(self._at, user_id))

    def _block_changed(self, blocker_id: UserId, blocked_id: UserId, *_: object) -> None:
        for viewer_id, other_id in ((blocker_id, blocked_id), (blocked_id, blocker_id)):
            if self._live.sessions_of(viewer_id):
                self._put(partial(self._across, viewer_id, other_id))

    def _put(self, look: Look) -> None:
        try:
            self._waiting.put_nowait(look)
        except asyncio.QueueFull:
            self._metrics.presence_dropped.inc()

    async def _run(self) -> None:
        while True:
            look = await self._waiting.get()
            try:
                await look()
            except ChatError as error:
                self._metrics.presence_dropped.inc()
                log.warning("nobody was told who may be seen now", error=error.text)
            except Exception:
                log.exception("nobody was told who may be seen now")

    async def _across(self, viewer_id: UserId, user_id: UserId) -> None:
        """A block between them was made or lifted."""
        if user_id not in await self._sight.shown(viewer_id, [user_id]):
            return  # and was not seen before
        peers = {one.user_id for one in await self._sight.peers(viewer_id)}
        if user_id in peers:
            sessions: Iterable[SessionId] = self._live.sessions_of(viewer_id)
        else:
            sessions = self._watchers.sessions(viewer_id, user_id)
        await self._tell(viewer_id, user_id, sessions)

    async def _at(self, user_id: UserId) -> None:
        """Somebody lets more people know, or fewer."""
        looking = {
            viewer: set(sessions) for viewer, sessions in self._watchers.looking_at(user_id).items()
        }
        for one in await self._sight.peers(user_id):
            if sessions := self._live.sessions_of(one.user_id):
                looking.setdefault(one.user_id, set()).update(sessions)
        for viewer_id, sessions_of in looking.items():
            if viewer_id != user_id:
                await self._tell(viewer_id, user_id, sessions_of)

    async def _tell(
        self, viewer_id: UserId, user_id: UserId, sessions: Iterable[SessionId]
    ) -> None:
        if told := tuple(sessions):
            (found,) = await self._statuses.of(viewer_id, [user_id])
            self._live.tell(told, changed(found))
