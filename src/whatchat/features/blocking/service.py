"""What people do about those of whom they want nothing."""

from typing import Final

from msgspec import UNSET, UnsetType

from whatchat.domain.actor import Actor
from whatchat.domain.audit import Act
from whatchat.domain.errors import Conflict, Invalid, NotFound
from whatchat.domain.ids import UserId
from whatchat.domain.ports.audit_trail import AuditTrail
from whatchat.domain.ports.block_store import Block, BlockStore
from whatchat.domain.ports.concealed_rooms import ConcealedRooms
from whatchat.domain.ports.user_directory import UserDirectory
from whatchat.domain.showing import unknown_user
from whatchat.domain.times import from_millis, to_millis
from whatchat.features.blocking.blocks import CachedBlocks
from whatchat.features.blocking.contract import BlockedPage, BlockUser, ListBlocks, UnblockUser

MAX_BLOCKS: Final = 10_000
"""By one person; a few more if many are made at the same time."""


class BlockingService:
    """Makes, lifts and lists blocks; on this pod they are in force on return."""

    def __init__(
        self,
        store: BlockStore,
        blocks: CachedBlocks,
        directory: UserDirectory,
        concealed: ConcealedRooms,
        trail: AuditTrail,
    ) -> None:
        self._store = store
        self._blocks = blocks
        self._directory = directory
        self._concealed = concealed
        self._trail = trail

    async def block(self, actor: Actor, command: BlockUser) -> None:
        """Block somebody; harmless if that is so. ``Conflict`` if there are too many."""
        if command.user_id == actor.user_id:
            raise Invalid("nobody can block themselves", field="userId")
        await self._require_known(command.user_id)
        blocked = (await self._blocks.around(actor.user_id)).blocks
        if len(blocked) >= MAX_BLOCKS and command.user_id not in blocked:
            raise Conflict("too many people are blocked", reason="too_many_blocks")
        self._blocks.take(await self._store.block(actor.user_id, command.user_id))
        if command.user_id not in blocked:
            await self._trail.record(actor, Act(kind="user.blocked", user_id=command.user_id))

    async def unblock(self, actor: Actor, command: UnblockUser) -> None:
        """Lift a block; harmless if there is none. Also on somebody whose account is gone.

        The room that they opened meanwhile is there from now on: if this fails half-way, it
        is before the block is lifted. It is looked for again after that, for one opened
        in between, and so also by a retry.
        """
        if command.user_id == actor.user_id:
            raise Invalid("nobody can block themselves", field="userId")
        await self._concealed.reveal(actor.user_id, command.user_id)
        lifted = await self._store.unblock(actor.user_id, command.user_id)
        if lifted:
            self._blocks.take(lifted)
            await self._trail.record(actor, Act(kind="user.unblocked", user_id=command.user_id))
        else:
            await self._require_known(command.user_id)
        await self._concealed.reveal(actor.user_id, command.user_id)

    async def list(self, actor: Actor, command: ListBlocks) -> BlockedPage:
        """A page of those whom the actor blocks, the latest first."""
        found = await self._store.made_by(
            actor.user_id, before=_position(command.after), limit=command.limit + 1
        )
        page = found[: command.limit]
        users = await self._directory.users([one.blocked_id for one in page])
        return BlockedPage(
            users=[users.get(one.blocked_id) or unknown_user(one.blocked_id) for one in page],
            next=_cursor(page[-1]) if len(found) > command.limit else UNSET,
        )

    async def _require_known(self, user_id: UserId) -> None:
        if user_id not in await self._directory.users((user_id,)):
            raise NotFound("no such user", field="userId")


def _position(cursor: str | UnsetType) -> Block | None:
    if cursor is UNSET:
        return None
    millis, _, user_id = cursor.partition(".")
    return Block(blocked_id=UserId(user_id), since=from_millis(int(millis)))


def _cursor(last: Block) -> str:
    return f"{to_millis(last.since)}.{last.blocked_id}"
