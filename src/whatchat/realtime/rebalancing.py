"""Levelling: a pod with more than its share of the sockets sends some to the others."""

import asyncio
import random
from collections.abc import Sequence
from time import monotonic
from typing import Final, NoReturn

import structlog

from whatchat.domain.errors import ChatError
from whatchat.domain.ports.fleet import Fleet
from whatchat.observability.metrics import Metrics
from whatchat.realtime.balance import ROUND_SECONDS, Balance
from whatchat.realtime.connection import Connection
from whatchat.realtime.drain import GRACE_SECONDS
from whatchat.realtime.hub import Hub
from whatchat.realtime.moving import Moving
from whatchat.realtime.returning import Returning
from whatchat.realtime.tasks import Tasks

LOOK_SECONDS: Final = 15.0
"""How often a pod looks that has no more than its share."""

SETTLED_SECONDS: Final = 60.0
"""Who came less long ago stays: nobody is moved again and again."""

CHOICE: Final = 4
"""So many are looked at for each that is to go, as some of them came just now."""

log = structlog.get_logger("whatchat.rebalancing")

_random: Final = random.SystemRandom()


class Rebalancer:
    """Looks at the fleet every few seconds and moves sockets away while this pod has too many.

    Who is to go is drawn at random, told when, closed with a code that says "resume" if still
    there, and turned away once when its proxy brings it back.
    """

    def __init__(
        self,
        hub: Hub,
        moving: Moving,
        returning: Returning,
        fleet: Fleet,
        metrics: Metrics,
        *,
        per_minute: int,
    ) -> None:
        self._hub = hub
        self._moving = moving
        self._returning = returning
        self._fleet = fleet
        self._metrics = metrics
        self._balance = Balance(per_minute)
        self._leaving: set[Connection] = set()
        self._sent = 0
        self._looking = Tasks()
        self._moves = Tasks()

    def start(self) -> None:
        """Begin to look."""
        self._looking.spawn(self._run(), name="rebalancing")

    async def stop(self) -> None:
        """Send nobody more away. Who was told to go yet goes, within seconds: some are not read."""
        await self._looking.close()
        self._returning.forget(all_of_them=True)
        self._leaving.clear()
        self._metrics.surplus_sockets.set(0)

    async def close(self) -> None:
        """Leave everybody to whatever comes next."""
        await self.stop()
        await self._moves.close()

    async def _run(self) -> NoReturn:
        await asyncio.sleep(_random.uniform(0, LOOK_SECONDS))  # not all pods at a time
        while True:
            try:
                await self._look()
            except ChatError:
                # The registry is away, which others say: nothing is known, nothing is done.
                self._returning.forget(all_of_them=True)
                self._metrics.surplus_sockets.set(0)
            except Exception:
                log.exception("the pods' sockets could not be levelled")
            await asyncio.sleep(ROUND_SECONDS if self._balance.surplus else LOOK_SECONDS)

    async def _look(self) -> None:
        balance = self._balance
        loads = await self._fleet.loads()
        self._returning.forget(all_of_them=not any(other.ready for other in loads.others))
        before, was_in_vain = balance.surplus, balance.is_in_vain
        self._leaving = {one for one in self._leaving if self._is_here(one)}
        count = balance.look(monotonic(), *loads, leaving=len(self._leaving))
        self._metrics.surplus_sockets.set(balance.surplus)
        self._say(before, in_vain=balance.is_in_vain and not was_in_vain)
        if leaving := self._drawn(count):
            self._send_away(leaving)

    def _drawn(self, count: int) -> Sequence[Connection]:
        """So many at most of those who came a while ago."""
        if not count:
            return ()
        here = list(self._hub)
        some = _random.sample(here, min(len(here), count * CHOICE))
        settled = monotonic() - SETTLED_SECONDS
        return [one for one in some if one.opened_at <= settled and self._may_go(one)][:count]

    def _is_here(self, connection: Connection) -> bool:
        return self._hub.connection(connection.session_id) is connection

    def _may_go(self, connection: Connection) -> bool:
        going = connection.closing is not None or connection in self._leaving
        return not (going or connection.is_warming)

    def _send_away(self, leaving: Sequence[Connection]) -> None:
        for connection in leaving:
            self._returning.expect(connection.actor.address, ROUND_SECONDS)
        self._leaving.update(leaving)
        self._sent += len(leaving)
        self._balance.sent(monotonic(), len(leaving))
        self._metrics.rebalanced_sockets.inc(len(leaving))
        moved = self._moving.move(leaving, seconds=ROUND_SECONDS, grace=GRACE_SECONDS)
        self._moves.spawn(moved, name="moving")

    def _say(self, before: int, *, in_vain: bool) -> None:
        now, here = self._balance.surplus, len(self._hub)
        if now and not before:
            self._sent = 0
            log.info("too many sockets: some are sent to other pods", sockets=here, surplus=now)
        elif before and not now:
            log.info("no more sockets are sent to other pods", sockets=here, sent=self._sent)
        if in_vain:
            log.warning(
                "sockets come back that were sent to other pods; does the proxy keep them here? "
                "WHATCHAT_AFFINITY_COOKIE names its cookie",
                sockets=here,
                sent=self._sent,
            )
