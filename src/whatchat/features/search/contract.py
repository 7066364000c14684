"""The command and answer of searching."""

from typing import Annotated, Final

from msgspec import UNSET, Meta, UnsetType

from whatchat.domain.contract import Command
from whatchat.domain.errors import Invalid
from whatchat.domain.ids import RoomIdField
from whatchat.domain.models import Message, View
from whatchat.domain.words import query_words

MAX_QUERY_LENGTH: Final = 256
BEFORE_PATTERN: Final = r"^([A-Za-z0-9_-]{1,32}|\d{1,15}\.\d{1,16}\.[A-Za-z0-9_~-]{1,32})\Z"


class Search(Command, frozen=True, kw_only=True):
    """Find messages with all words of ``query``, in one room or in all of the caller's.

    ``before`` is the page before's ``next``, or the id of its last message; where ``roomId``
    is given, a ``seq`` will do as well.
    """

    query: Annotated[str, Meta(max_length=MAX_QUERY_LENGTH)]
    room_id: RoomIdField | UnsetType = UNSET
    before: Annotated[str, Meta(pattern=BEFORE_PATTERN)] | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=100)] = 50

    def __post_init__(self) -> None:
        if not query_words(self.query):
            raise Invalid("`query` must have a word in it", field="query")


class FoundMessages(View, frozen=True, kw_only=True):
    """Messages, newest first; while there may be more, ``next`` is where to go on."""

    messages: list[Message]
    has_more: bool
    next: str | UnsetType = UNSET
