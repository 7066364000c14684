"""The one writer of a room on this pod: takes proposals in order, decides, appends."""

import asyncio
from collections import deque
from collections.abc import Sequence
from time import time
from typing import Final

import structlog
from msgspec.structs import replace

from whatchat.domain.audience import Announcement
from whatchat.domain.errors import ChatError, Conflict, Unavailable
from whatchat.domain.ids import Rev, RoomId
from whatchat.domain.log import Entry, subject_of
from whatchat.domain.message_state import as_known_outside
from whatchat.domain.ports.message_store import MessageStore
from whatchat.domain.ports.room_log import Applied, Proposal
from whatchat.domain.ports.room_store import RoomStore
from whatchat.domain.room_state import RoomState, nonexistent
from whatchat.observability.tracing import current_span, inserting, within
from whatchat.roomlog.announcing import Announcing, News
from whatchat.roomlog.counting import AppendCounts
from whatchat.roomlog.decision import Decision, Waiting
from whatchat.roomlog.stamping import Stamp

log = structlog.get_logger()

MAX_WAITING: Final = 1_000
MAX_BATCH: Final = 64
CATCH_UP_PAGE: Final = 500


class RoomWriter:
    """Serves the proposals of one room, strictly in order, one append in flight at a time.

    What queues up behind an append goes out together in the next. ``state`` is the room
    after the last append known to be durable, its own or one that another pod told of;
    ``None`` where it has to be read anew.
    """

    def __init__(
        self,
        room_id: RoomId,
        messages: MessageStore,
        rooms: RoomStore,
        stamp: Stamp,
        announcing: Announcing,
        counts: AppendCounts,
    ) -> None:
        self.room_id = room_id
        self.state: RoomState | None = None
        self._told = Rev(0)
        self._is_behind = False
        self._accepted_at = 0.0
        self._waiting: deque[Waiting] = deque()
        self._messages = messages
        self._rooms = rooms
        self._stamp = stamp
        self._announcing = announcing
        self._counts = counts

    def enqueue(
        self, proposal: Proposal, then: Proposal | None = None
    ) -> "asyncio.Future[Applied]":
        """Queue a proposal, and ``then`` one that nobody waits for right behind it.

        Raises ``Unavailable`` when too many wait already.
        """
        if len(self._waiting) >= MAX_WAITING:
            raise Unavailable("the room is overloaded; repeat with the same clientId")
        future: asyncio.Future[Applied] = asyncio.get_running_loop().create_future()
        self._waiting.append(self._traced(Waiting(proposal, future)))
        if then:
            self._waiting.append(self._traced(Waiting(then)))
        return future

    def _traced(self, waiting: Waiting) -> Waiting:
        """What waits takes the span of its command along: the writer's task has none."""
        command = current_span()
        if command is not None:
            waiting.proposal = replace(waiting.proposal, trace=command.traceparent)
            waiting.command, waiting.span = command, command.appending(self.room_id)
        return waiting

    def hear(self, announcement: Announcement) -> None:
        """Follow what other pods append, so that the next append here meets no conflict.

        Only what is durable is announced. What cannot be followed is read before the next
        decision.
        """
        if self.state is None or announcement.rev <= self.state.rev:
            return
        if announcement.on_message and announcement.rev == self.state.rev + 1:
            self.state = self.state.after_message(announcement.posted_at)
        else:
            self._is_behind = True

    async def run(self) -> None:
        """Serve until nothing waits. A store that fails fails the batch and nothing else."""
        batch: list[Waiting] = []
        try:
            while self._waiting:
                batch = self._next_batch()
                await self._serve_or_abandon(batch)
        except asyncio.CancelledError:
            self._abandon([*batch, *self._waiting], Unavailable())
            raise

    def _next_batch(self) -> list[Waiting]:
        """What is served together; what nobody waits for stands or falls with what it follows."""
        batch = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
        while self._waiting and self._waiting[0].future is None:
            batch.append(self._waiting.popleft())
        return batch

    async def _serve_or_abandon(self, batch: list[Waiting]) -> None:
        try:
            await self._serve(batch)
        except ChatError as error:
            self._abandon(batch, error)
        except Exception:
            log.exception("a room's writer failed")
            self._abandon(batch, Unavailable())

    def _abandon(self, batch: Sequence[Waiting], error: ChatError) -> None:
        """What the store did is unknown: only its own word counts from here on."""
        if self.state is not None:
            self._announcing.dirty.doubt(self.room_id, self._told)
        self.state = None
        for waiting in batch:
            waiting.fail(error)

    async def _serve(self, batch: list[Waiting]) -> None:
        rest = batch
        while rest:
            decisions = await self._decide_on_what_is_true(rest)
            settled = await self._append(decisions)
            await self._settle(decisions[:settled])
            self._told = self.state.rev if self.state else self._told
            rest = [decision.waiting for decision in decisions[settled:]]

    async def _decide_on_what_is_true(self, batch: Sequence[Waiting]) -> list[Decision]:
        """Decide the batch; an append will show if the room has moved on, a refusal will not.

        So a refusal stands only on a room that was read after it was asked for.
        """
        is_fresh = self.state is None
        decisions = self._decide(await self._current(batch), batch)
        if not is_fresh and not all(decision.entry for decision in decisions):
            if self.state and self.state.is_concealed:
                self.state = None
            await self._catch_up()
            decisions = self._decide(await self._current(batch), batch)
        return decisions

    async def _current(self, batch: Sequence[Waiting]) -> RoomState:
        """The room as far as it is known here, with the messages that the batch looks at."""
        if self.state is None:
            self.state = await self._rooms.state(self.room_id) or nonexistent(self.room_id)
            self._told = self.state.rev
            self._is_behind = False
        elif self._is_behind:
            await self._catch_up()
        # Before the messages: an append after it shows if one of them has changed meanwhile.
        state = self.state
        targets = {one.proposal.target for one in batch}
        keys = [(self.room_id, target) for target in targets if target is not None]
        found = await self._messages.messages(keys) if keys else {}
        return replace(state, messages={seq: message for (_, seq), message in found.items()})

    def _decide(self, state: RoomState, batch: Sequence[Waiting]) -> list[Decision]:
        """Each proposal's rule on the room as the proposals before it leave it."""
        decisions = []
        for waiting in batch:
            decision = Decision(waiting, state)
            try:
                change = waiting.proposal.rule(state)
            except ChatError as refusal:
                decision.refusal = refusal
            except Exception:
                with within(waiting.span):
                    log.exception("a rule failed")
                decision.refusal = Unavailable()
            else:
                if change is not None:
                    decision.entry = self._stamp.entry(state, waiting.proposal, change)
                    decision.state = state = state.apply(decision.entry)
            decisions.append(decision)
        return decisions

    async def _append(self, decisions: Sequence[Decision]) -> int:
        """Append what was decided; how many decisions, from the first on, now stand.

        What comes after a clash was decided on a room that never was and must be decided
        again: on the entries of others where a rev was taken; a ``client_id`` that was used
        before is an earlier attempt of the same command, settled by what that one led to.
        """
        entries = [decision.entry for decision in decisions if decision.entry]
        if not entries:
            return len(decisions)
        made = [index for index, decision in enumerate(decisions) if decision.entry]
        with inserting([decisions[index].waiting.span for index in made]):
            appended = await self._messages.append(entries)
        self._accepted_at = time()
        durable = [decisions[index] for index in made[: appended.count]]
        self._counts.appended(len(entries), durable)
        for decision in durable:
            decision.note_appended()
        if durable:
            self.state = replace(durable[-1].state, messages={})
        if appended.clash is None:
            return len(decisions)
        clashing = decisions[made[appended.count]]
        if appended.clash == "rev":
            self._counts.clashed()
            await self._catch_up()
            return made[appended.count]
        clashing.entry = None
        clashing.refusal = Unavailable()
        return made[appended.count] + 1

    async def _catch_up(self) -> None:
        """Apply what other writers appended."""
        self._is_behind = False
        while self.state:
            entries = await self._messages.entries(
                self.room_id, after=self.state.rev, limit=CATCH_UP_PAGE
            )
            for entry in entries:
                if entry.rev > self.state.rev:  # others may have been told of meanwhile
                    self.state = self.state.apply(entry)
            self.state = replace(self.state, messages={})
            if len(entries) < CATCH_UP_PAGE:
                return

    async def _settle(self, decisions: Sequence[Decision]) -> None:
        """Announce what is in the log, then answer everyone, in order."""
        news = [
            News(
                decision.entry,
                decision.state.record,
                decision.message,
                decision.origin,
                self._accepted_at,
                decision.waiting.asked_at,
                decision.waiting.command,
            )
            for decision in decisions
            if decision.entry
        ]
        await self._announcing.announce(news)
        for decision in decisions:
            if decision.entry:
                decision.waiting.succeed(decision.applied)
            elif decision.waiting.future:
                await self._settle_unchanged(decision)

    async def _settle_unchanged(self, decision: Decision) -> None:
        """Refuse, or find nothing to do, unless an earlier attempt used the same id."""
        proposal = decision.waiting.proposal
        earlier = await self._messages.find(
            self.room_id, proposal.actor.user_id, proposal.client_id
        )
        if earlier is None and decision.refusal:
            decision.waiting.fail(decision.refusal)
        elif earlier is None:
            decision.waiting.succeed(decision.applied)
        elif earlier.digest and earlier.digest != self._stamp.digest(proposal):
            decision.waiting.fail(
                Conflict("the clientId was used with another body", field="clientId")
            )
        else:
            decision.waiting.succeed(await self._repeat(earlier, decision))

    async def _repeat(self, earlier: Entry, decision: Decision) -> Applied:
        """What an earlier attempt led to, as it now is; a message is announced again.

        Changes of the room are not: who was let in then may long be out.
        """
        seq = subject_of(earlier)
        record = decision.state.record
        if not seq:
            return Applied(entry=earlier, record=record, repeated=True)
        message = (await self._messages.messages([(self.room_id, seq)]))[self.room_id, seq]
        command = decision.waiting.command
        news = News(earlier, record, message, decision.origin, command=command)
        await self._announcing.announce([news])
        member = decision.state.members.get(decision.waiting.proposal.actor.user_id)
        if member is None or seq < record.readable_from(member):
            message = as_known_outside(message)
        return Applied(entry=earlier, record=record, repeated=True, message=message)
