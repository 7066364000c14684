"""Telling people who came and who went."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import structlog
from msgspec.json import encode

from whatchat.domain.audience import Announcement, ToUser
from whatchat.domain.batches import batches
from whatchat.domain.errors import ChatError
from whatchat.domain.ids import UserId
from whatchat.domain.ports.broker import Broker
from whatchat.domain.ports.presence_registry import PresenceRegistry, StandingChange
from whatchat.domain.ports.seen_store import SeenStore
from whatchat.domain.tasks import ended
from whatchat.features.presence.contract import StatusChanged, changed
from whatchat.features.presence.sight import Onlookers, Sight
from whatchat.features.presence.statuses import status
from whatchat.features.presence.watchers import SeenByAll, for_watchers
from whatchat.observability.metrics import Metrics

log = structlog.get_logger()

SWEEP_SECONDS: Final = 1.0
GATHER_SECONDS: Final = 0.05
"""So long those who come are waited for, so that what is read for one is read for many."""

CLAIM_SECONDS: Final = 10
TELLING_SECONDS: Final = 5.0
"""So long a claim is worked on: what is late is left to whoever claims it next."""

TOLD_AT_ONCE: Final = 96
PUBLISHED_AT_ONCE: Final = 50
TOO_LATE_SECONDS: Final = 0.1
"""A loop that runs its timers so late has better things to do."""

LONGEST_REST_SECONDS: Final = 0.5
RETURN_SECONDS: Final = 6.0
"""So long nothing is told by whoever could not tell: those who are there are entered first."""


class Teller:
    """Looks each second for changes that nobody has told, on any pod, and tells them.

    Told are those who may see the person, share a direct room and are online, and through
    the pods all who watch. A change that is claimed and could not be told is claimed again
    when the claim ends; so it is told again if its teller died in between, never lost. The
    moment somebody was last seen is in the store before anybody is told.

    It keeps to half of the time, in short steps, and does nothing while the loop is behind:
    what waits in the registry is one item a person at most, other pods may take it, and
    whoever went and came meanwhile is none. A registry that was away for longer than leases
    last sends nobody away who is there.
    """

    def __init__(
        self,
        registry: PresenceRegistry,
        sight: Sight,
        seen: SeenStore,
        broker: Broker,
        metrics: Metrics,
    ) -> None:
        self._registry = registry
        self._sight = sight
        self._seen = seen
        self._broker = broker
        self._metrics = metrics
        self._news = asyncio.Event()
        self._failing = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._registry.when_changed(self._news.set)
        self._task = asyncio.create_task(self._run(), name="presence-teller")

    async def stop(self) -> None:
        """Look no more; what is in hand is told by another pod."""
        if self._task is not None:
            await ended(self._task)

    async def tell_some(self) -> int:
        """Claim some changes and tell them; how many they were."""
        changes = await self._registry.changes(limit=TOLD_AT_ONCE, claim_seconds=CLAIM_SECONDS)
        if changes:
            async with asyncio.timeout(TELLING_SECONDS):
                await self._tell(changes)
            self._metrics.presence_told.inc(len(changes))
        return len(changes)

    async def _run(self) -> None:
        rest = SWEEP_SECONDS
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(rest):
                    await self._news.wait()
            self._news.clear()
            rest = SWEEP_SECONDS
            if await self._is_behind():
                self._metrics.presence_put_off.inc()
            elif spent := await self._attempt():
                self._news.set()
                await asyncio.sleep(min(spent, LONGEST_REST_SECONDS))

    async def _is_behind(self) -> bool:
        loop = asyncio.get_running_loop()
        due = loop.time() + GATHER_SECONDS
        await asyncio.sleep(GATHER_SECONDS)
        return loop.time() - due > TOO_LATE_SECONDS

    async def _attempt(self) -> float:
        """Tell some; how long it took if there may be more."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        try:
            if self._failing:
                await self._return()
            told = await self.tell_some()
        except (ChatError, TimeoutError) as error:
            if not self._failing:
                log.warning("who is online cannot be told yet", error=repr(error))
            self._failing = True
            return 0.0
        except Exception:
            log.exception("who is online could not be told")
            return 0.0
        return loop.time() - start if told else 0.0

    async def _return(self) -> None:
        """Once the registry answers again, give pods the time to renew what ended meanwhile."""
        await self._registry.some_online(1)
        self._failing = False
        await asyncio.sleep(RETURN_SECONDS)

    async def _tell(self, changes: Sequence[StandingChange]) -> None:
        seen = {one.user_id: at for one in changes if (at := one.standing.last_seen)}
        if seen:
            await self._seen.note(seen)
        onlookers = await self._sight.onlookers([one.user_id for one in changes])
        peers = {peer for one in onlookers.values() for peer in one.peers}
        standings = await self._registry.standings(list(peers))
        online = {user_id for user_id, standing in standings.items() if standing.online}
        await self._publish(list(_announcements(changes, onlookers, online)))
        await self._registry.told(changes)

    async def _publish(self, announcements: Sequence[Announcement]) -> None:
        published = []
        for some in batches(announcements, PUBLISHED_AT_ONCE):
            published.append(self._broker.publish(some))
            await asyncio.sleep(0)
        await asyncio.gather(*published)


def _announcements(
    changes: Sequence[StandingChange],
    onlookers: Mapping[UserId, Onlookers],
    online: set[UserId],
) -> Iterator[Announcement]:
    """What tells each peer who is there, and the pods."""
    for_all = []
    for change in changes:
        seen_by = onlookers.get(change.user_id)
        if seen_by is None:
            continue
        standing = change.standing
        new = status(change.user_id, online=standing.online, last_seen=standing.last_seen)
        payload = encode(changed(new))
        told = tuple(peer for peer in seen_by.peers if peer in online)
        for peer in told:
            yield Announcement(
                audience=ToUser(user_id=peer),
                event=StatusChanged.name,
                payload=payload,
                volatile=True,
            )
        if seen_by.everyone:
            for_all.append(SeenByAll(status=new, told=told))
    if for_all:
        yield for_watchers(for_all)
