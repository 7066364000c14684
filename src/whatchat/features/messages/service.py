"""What people do with messages."""

from collections.abc import Callable

from msgspec import UNSET, UnsetType

from whatchat.domain.access import not_a_member
from whatchat.domain.actor import Actor
from whatchat.domain.audit import Act
from whatchat.domain.contract import Command, Outcome
from whatchat.domain.errors import NotFound
from whatchat.domain.ids import ClientId, MessageId, RoomId, Seq, UserId, locate
from whatchat.domain.message_state import MessageState, all_seen_by, seen_by
from whatchat.domain.models import Message
from whatchat.domain.ports.audit_trail import AuditTrail
from whatchat.domain.ports.blocks import Blocks
from whatchat.domain.ports.message_store import MessageStore
from whatchat.domain.ports.room_log import Applied, RoomLog, Rule
from whatchat.domain.ports.room_store import RoomStore
from whatchat.domain.ports.user_directory import UserDirectory
from whatchat.domain.ports.witness import Witness
from whatchat.domain.proposing import propose
from whatchat.domain.showing import show_message, show_messages
from whatchat.features.messages import rules
from whatchat.features.messages.contract import (
    AddReaction,
    DeleteMessage,
    EditMessage,
    History,
    ReadHistory,
    RemoveReaction,
    SendMessage,
)


class MessageService:
    """Sends, edits, deletes, reacts and reads; every change goes through the room log."""

    def __init__(
        self,
        log: RoomLog,
        rooms: RoomStore,
        messages: MessageStore,
        directory: UserDirectory,
        blocks: Blocks,
        trail: AuditTrail,
        witness: Witness | None = None,
    ) -> None:
        self._log = log
        self._rooms = rooms
        self._messages = messages
        self._directory = directory
        self._blocks = blocks
        self._trail = trail
        self._witness = witness

    async def send(self, actor: Actor, command: SendMessage) -> Outcome[Message]:
        """Accept a message: durable in the log before this returns."""
        reply_to = None
        if command.reply_to is not UNSET:
            room_id, reply_to = _located(command.reply_to, field="replyTo")
            if room_id != command.room_id:
                raise NotFound("no such message", field="replyTo")
        rule = rules.posting(
            actor.user_id,
            command.content,
            command.message_type,
            reply_to,
            await self._blocked_by(actor),
        )
        applied = await self._log.change(
            command.room_id,
            propose(actor, command, rule, client_id=command.client_id, target=reply_to),
        )
        if self._witness is not None:
            self._witness.message_sent(actor.user_id)
        return Outcome(await self._shown(actor, applied), created=not applied.repeated)

    async def edit(self, actor: Actor, command: EditMessage) -> Message:
        """Replace a message's content."""
        blocked_by = await self._blocked_by(actor)
        return await self._alter(
            actor,
            command,
            command.message_id,
            lambda seq: rules.editing(actor.user_id, seq, command.content, blocked_by),
            command.client_id,
        )

    async def delete(self, actor: Actor, command: DeleteMessage) -> Message:
        """Erase a message; returns the tombstone. Of somebody else's there is a record."""
        applied = await self._changed(
            actor, command, command.message_id, lambda seq: rules.deleting(actor.user_id, seq)
        )
        message = applied.message
        if applied.entry and message and not rules.is_own(message, actor.user_id):
            await self._trail.record(actor, _removed(command.message_id, message))
        return await self._shown(actor, applied)

    async def react(self, actor: Actor, command: AddReaction) -> Message:
        """Add the actor's reaction."""
        return await self._mark(actor, command, present=True)

    async def unreact(self, actor: Actor, command: RemoveReaction) -> Message:
        """Withdraw the actor's reaction."""
        return await self._mark(actor, command, present=False)

    async def history(self, actor: Actor, command: ReadHistory) -> History:
        """A page of what the actor may read in a room."""
        membership = await self._rooms.membership(command.room_id, actor.user_id)
        if membership is None:
            raise not_a_member(await self._rooms.record(command.room_id))
        before = None if command.before is UNSET else command.before
        after = None if command.after is UNSET else command.after
        found = await self._messages.history(
            command.room_id,
            viewer_id=actor.user_id,
            first=membership.record.readable_from(membership.member),
            before=before,
            after=after,
            limit=command.limit + 1,
        )
        has_more = len(found) > command.limit
        if has_more:
            is_forward = after is not None and before is None
            found = found[: command.limit] if is_forward else found[1:]
        users = await self._directory.users({state.sender_id for state in found})
        seen = all_seen_by(found, actor.user_id)
        return History(messages=show_messages(seen, users), has_more=has_more)

    async def _mark(
        self, actor: Actor, command: AddReaction | RemoveReaction, *, present: bool
    ) -> Message:
        blocked_by = await self._blocked_by(actor)
        return await self._alter(
            actor,
            command,
            command.message_id,
            lambda seq: rules.reacting(
                actor.user_id, seq, command.emoji, blocked_by, present=present
            ),
        )

    async def _alter(
        self,
        actor: Actor,
        command: Command,
        message_id: MessageId,
        rule: Callable[[Seq], Rule],
        client_id: ClientId | UnsetType = UNSET,
    ) -> Message:
        return await self._shown(
            actor, await self._changed(actor, command, message_id, rule, client_id)
        )

    async def _changed(
        self,
        actor: Actor,
        command: Command,
        message_id: MessageId,
        rule: Callable[[Seq], Rule],
        client_id: ClientId | UnsetType = UNSET,
    ) -> Applied:
        room_id, seq = _located(message_id)
        return await self._log.change(
            room_id,
            propose(actor, command, rule(seq), client_id=client_id, target=seq),
        )

    async def _blocked_by(self, actor: Actor) -> frozenset[UserId]:
        return (await self._blocks.around(actor.user_id)).blocked_by

    async def _shown(self, actor: Actor, applied: Applied) -> Message:
        message = applied.message and seen_by(applied.message, actor.user_id)
        if message is None:
            raise NotFound("no such message")
        return show_message(message, await self._directory.user(message.sender_id))


def _located(message_id: MessageId, *, field: str = "messageId") -> tuple[RoomId, Seq]:
    found = locate(message_id)
    if found is None:
        raise NotFound("no such message", field=field)
    return found


def _removed(message_id: MessageId, message: MessageState) -> Act:
    return Act(
        kind="message.removed",
        room_id=message.room_id,
        message_id=message_id,
        user_id=message.sender_id,
    )
