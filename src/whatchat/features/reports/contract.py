"""What people may report."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from whatchat.domain.contract import Command
from whatchat.domain.errors import Invalid
from whatchat.domain.ids import MessageIdField, UserIdField
from whatchat.domain.text import TEXT, require_text

MAX_REASON_LENGTH = 1_000

Reason = Annotated[str, Meta(min_length=1, max_length=MAX_REASON_LENGTH), TEXT]


class FileReport(Command, frozen=True, kw_only=True):
    """Tell those who run the server of a message, or of a person; nobody else is told.

    They see who and where, and ``reason``: nothing of what was written.
    """

    message_id: MessageIdField | UnsetType = UNSET
    user_id: UserIdField | UnsetType = UNSET
    reason: Reason

    def __post_init__(self) -> None:
        if self.message_id is UNSET and self.user_id is UNSET:
            raise Invalid("say `messageId`, `userId` or both", field="messageId")
        require_text(self.reason, "reason", max_bytes=4 * MAX_REASON_LENGTH)
        if not self.reason.strip():
            raise Invalid("`reason` must not be blank", field="reason")
