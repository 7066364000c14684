"""Finding messages by their words."""

from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import Final, NamedTuple

from msgspec import UNSET

from whatchat.domain.access import not_a_member
from whatchat.domain.actor import Actor
from whatchat.domain.ids import RoomId, Seq, UserId
from whatchat.domain.message_state import MessageState, seen_by
from whatchat.domain.ports.message_store import MessageKey, MessageStore
from whatchat.domain.ports.room_store import Membership, RoomStore
from whatchat.domain.ports.search_store import MessagePosition, SearchStore
from whatchat.domain.ports.user_directory import UserDirectory
from whatchat.domain.showing import show_messages
from whatchat.domain.words import query_words, words_of
from whatchat.features.search.contract import FoundMessages, Search
from whatchat.features.search.position import Positions, position_of, shown

MAX_ROUNDS: Final = 8
MAX_SECONDS: Final = 2.0


class _Question(NamedTuple):
    """Who looks for which words, and from which ``seq`` on in which rooms."""

    viewer_id: UserId
    words: Sequence[str]
    first: Mapping[RoomId, Seq]


class SearchService:
    """Searches the caller's rooms, but for encrypted ones.

    What the store finds is shown only if what the caller may see in it has the words. How much
    is looked at for one answer is bounded: a page may be short, even empty, and still say
    that there may be more.
    """

    def __init__(
        self,
        rooms: RoomStore,
        messages: MessageStore,
        words: SearchStore,
        directory: UserDirectory,
    ) -> None:
        self._rooms = rooms
        self._messages = messages
        self._words = words
        self._directory = directory
        self._positions = Positions(messages)

    async def search(self, actor: Actor, command: Search) -> FoundMessages:
        """A page of messages, newest first."""
        room_id = None if command.room_id is UNSET else command.room_id
        first = _searchable(await self._memberships(actor.user_id, room_id))
        before = None
        if command.before is not UNSET:
            before = await self._positions.below(
                command.before, viewer_id=actor.user_id, searched=first, room_id=room_id
            )
        question = _Question(actor.user_id, query_words(command.query), first)
        found, end = await self._found(question, before, command.limit + 1)
        if len(found) > command.limit:
            found = found[: command.limit]
            end = position_of(found[-1])
        users = await self._directory.users({state.sender_id for state in found})
        return FoundMessages(
            messages=show_messages(found, users),
            has_more=end is not None,
            next=shown(end) if end else UNSET,
        )

    async def _memberships(self, user_id: UserId, room_id: RoomId | None) -> Sequence[Membership]:
        if room_id is None:
            return await self._rooms.memberships(user_id)
        membership = await self._rooms.membership(room_id, user_id)
        if membership is None or membership.member.concealed:
            raise not_a_member(await self._rooms.record(room_id))
        return [membership]

    async def _found(
        self, question: _Question, position: MessagePosition | None, limit: int
    ) -> tuple[list[MessageState], MessagePosition | None]:
        """The latest ``limit`` below ``position``, and where there may be more if that is all."""
        found: list[MessageState] = []
        if not question.first:
            return found, None
        deadline = monotonic() + MAX_SECONDS
        for _ in range(MAX_ROUNDS):
            candidates = await self._words.candidates(
                question.words,
                question.first,
                viewer_id=question.viewer_id,
                before=position,
                limit=limit - len(found),
            )
            found += await self._seen(question, candidates.keys)
            position = candidates.next
            if position is None or len(found) == limit or monotonic() > deadline:
                break
        return found, position

    async def _seen(self, question: _Question, keys: Sequence[MessageKey]) -> list[MessageState]:
        """Of these, in their order, what the viewer sees with all the words in it."""
        states = await self._messages.messages(keys)
        wanted = set(question.words)
        found = []
        for key in keys:
            seen = seen_by(states[key], question.viewer_id) if key in states else None
            if seen is not None and wanted <= set(words_of(seen.content)):
                found.append(seen)
        return found


def _searchable(memberships: Iterable[Membership]) -> Mapping[RoomId, Seq]:
    """From which ``seq`` on each room may be searched."""
    return {
        one.record.room_id: one.record.readable_from(one.member)
        for one in memberships
        if not one.record.settings.encrypted and not one.member.concealed
    }
