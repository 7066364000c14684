"""What people report to those who run the server, kept."""

from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct

from whatchat.domain.ids import MessageId, ReportId, RoomId, UserId

ReportState = Literal["open", "resolved"]

Filing = Literal["filed", "repeated", "too_many"]
"""What filing a report led to; nothing was done but for the first."""

Resolution = Literal["dismissed", "message_removed", "signed_out", "banned", "other"]
"""What came of a report."""


class Report(Struct, frozen=True, kw_only=True):
    """Somebody's complaint about a person, or about one of that person's messages.

    Nothing of the message is kept but where it is. A report is resolved from ``resolved_at`` on.
    """

    report_id: ReportId
    reporter_id: UserId
    user_id: UserId
    reason: str
    at: datetime
    room_id: RoomId | None = None
    message_id: MessageId | None = None
    resolution: Resolution | None = None
    resolved_at: datetime | None = None

    @property
    def state(self) -> ReportState:
        return "open" if self.resolved_at is None else "resolved"


class ReportPosition(Struct, frozen=True, kw_only=True):
    """Where a page of reports, sorted by ``(at, report_id)``, ended."""

    at: datetime
    report_id: ReportId


class ReportStore(Protocol):
    """Keeps reports.

    Guarantees: every method is atomic and durable on return; of the open reports by one
    person no two are about the same; what is resolved stays as it is. Every method raises
    ``Unavailable`` when the store is down, full or late.
    """

    async def file(self, report: Report, *, most: int) -> Filing:
        """Keep an open report, or find that the reporter has one about the same, or too many.

        The same: the same message of the same person, or that person as such. A few more
        than ``most`` may be open if many are filed at the same time.
        """
        ...

    async def same(self, report: Report) -> Report | None:
        """The open report by the same reporter about the same."""
        ...

    async def resolve(self, report_id: ReportId, resolution: Resolution, at: datetime) -> bool:
        """Resolve a report; false, and nothing done, if there is no open one of that id."""
        ...

    async def get(self, report_id: ReportId) -> Report | None:
        """The report with this id."""
        ...

    async def page(
        self, state: ReportState | None, *, before: ReportPosition | None, limit: int
    ) -> list[Report]:
        """Reports in that state, or in any, the latest first, after where a page ended."""
        ...

    async def open_about(self, user_id: UserId, *, limit: int) -> int:
        """How many open reports there are about this person, counted to ``limit``."""
        ...
