"""Telling a pod's sockets of the people whom they watch."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import structlog
from msgspec import Struct
from msgspec.json import Decoder, Encoder

from whatchat.domain.audience import Announcement, ToPods
from whatchat.domain.errors import ChatError
from whatchat.domain.ids import SessionId, UserId
from whatchat.domain.ports.blocks import Blocks
from whatchat.domain.ports.broker import Broker
from whatchat.domain.ports.live_users import LiveUsers
from whatchat.domain.tasks import ended
from whatchat.features.presence.contract import PersonStatus, changed
from whatchat.features.presence.statuses import Statuses
from whatchat.features.presence.watches import Watches
from whatchat.observability.metrics import Metrics

log = structlog.get_logger()

TOPIC: Final = "presence"
MAX_WAITING: Final = 5_000
"""So many changes at most wait to be told to those who watch."""

TOLD_AT_ONCE: Final = 100


class SeenByAll(Struct, frozen=True, kw_only=True):
    """Somebody whom everybody may see came or went; ``told`` have heard of it already."""

    status: PersonStatus
    told: tuple[UserId, ...] = ()


_encoder: Final = Encoder()
_decoder: Final = Decoder(list[SeenByAll])


def for_watchers(changes: Sequence[SeenByAll]) -> Announcement:
    """What tells every pod."""
    payload = _encoder.encode(changes)
    return Announcement(audience=ToPods(topic=TOPIC), event=TOPIC, payload=payload, volatile=True)


class Watchers:
    """Hears who came and went on any pod and tells the sockets here that watch.

    Whoever shares a direct room is told without watching; of the others only those whom
    everybody may see can be seen. So no store is asked, and blocks from memory. What waits is
    bounded: above that it is dropped, and counted.
    """

    def __init__(
        self,
        statuses: Statuses,
        blocks: Blocks,
        live: LiveUsers,
        broker: Broker,
        metrics: Metrics,
    ) -> None:
        self._statuses = statuses
        self._blocks = blocks
        self._live = live
        self._broker = broker
        self._metrics = metrics
        self._watches = Watches()
        self._asking: dict[SessionId, list[dict[UserId, PersonStatus]]] = {}
        self._heard: asyncio.Queue[SeenByAll] = asyncio.Queue(MAX_WAITING)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to hear and to tell."""
        self._broker.listen(self._hear)
        self._live.when_session_gone(self._watches.end_all)
        await self._broker.subscribe_topic(TOPIC)
        self._task = asyncio.create_task(self._run(), name="presence-watchers")

    async def stop(self) -> None:
        """Tell no more."""
        if self._task is not None:
            await ended(self._task)

    async def watch(
        self, session_id: SessionId, viewer_id: UserId, user_ids: Collection[UserId]
    ) -> list[PersonStatus]:
        """Watch from here on; how things stand, with what was told meanwhile."""
        new = self._watches.begin(session_id, viewer_id, user_ids)
        meanwhile: dict[UserId, PersonStatus] = {}
        self._asking.setdefault(session_id, []).append(meanwhile)
        try:
            found = await self._statuses.of(viewer_id, list(user_ids))
        except BaseException:
            self._watches.end(session_id, new)
            raise
        finally:
            asking = self._asking[session_id]
            asking.remove(meanwhile)
            if not asking:
                del self._asking[session_id]
        if session_id not in self._live.sessions_of(viewer_id):  # gone while this was read
            self._watches.end_all(session_id)
        return [meanwhile.get(one.user_id, one) for one in found]

    def unwatch(self, session_id: SessionId, user_ids: Collection[UserId]) -> None:
        """Watch no longer."""
        self._watches.end(session_id, user_ids)

    def sessions(self, viewer_id: UserId, user_id: UserId) -> Sequence[SessionId]:
        """The viewer's sockets here that watch somebody."""
        return self._watches.by(viewer_id, user_id)

    def looking_at(self, user_id: UserId) -> Mapping[UserId, Sequence[SessionId]]:
        """Who watches somebody from here, and over which sockets."""
        viewers = set(self._watches.of(user_id).values())
        return {viewer_id: self._watches.by(viewer_id, user_id) for viewer_id in viewers}

    def _hear(self, announcement: Announcement) -> None:
        if announcement.audience != ToPods(topic=TOPIC):
            return
        for change in _decoder.decode(announcement.payload):
            if not self._watches.of(change.status.user_id):
                continue
            try:
                self._heard.put_nowait(change)
            except asyncio.QueueFull:
                self._metrics.presence_dropped.inc()

    async def _run(self) -> None:
        while True:
            changes = [await self._heard.get()]
            while not self._heard.empty() and len(changes) < TOLD_AT_ONCE:
                changes.append(self._heard.get_nowait())
            try:
                await self._tell(changes)
            except ChatError as error:
                self._metrics.presence_dropped.inc(len(changes))
                log.warning("who watches was not told", error=error.text)
            except Exception:
                log.exception("who watches was not told")
            await asyncio.sleep(0)

    async def _tell(self, changes: Sequence[SeenByAll]) -> None:
        watching = {one.status.user_id: self._watches.of(one.status.user_id) for one in changes}
        blocked = await self._blocks.around_all(watching)
        for change in changes:
            user_id = change.status.user_id
            unseeing = blocked[user_id].across.union(change.told)
            self._tell_all(change.status, watching[user_id], unseeing)

    def _tell_all(
        self,
        status: PersonStatus,
        watching: Mapping[SessionId, UserId],
        unseeing: Collection[UserId],
    ) -> None:
        sessions = [one for one, viewer in watching.items() if viewer not in unseeing]
        for session_id in sessions:
            for meanwhile in self._asking.get(session_id, ()):
                meanwhile[status.user_id] = status
        self._live.tell(sessions, changed(status))
