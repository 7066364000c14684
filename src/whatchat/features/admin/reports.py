"""What operators do with what people report."""

from msgspec import UNSET, UnsetType

from whatchat.domain.actor import Operator
from whatchat.domain.audit import Act, party
from whatchat.domain.errors import Conflict, NotFound
from whatchat.domain.ids import ReportId
from whatchat.domain.ports.audit_trail import AuditTrail
from whatchat.domain.ports.report_store import Report, ReportPosition, ReportStore
from whatchat.domain.times import Clock, from_millis, timestamp, to_millis
from whatchat.features.admin.contract import (
    InspectReport,
    ListReports,
    ResolveReport,
)
from whatchat.features.admin.views import (
    FiledReport,
    ReportPage,
)


class ReportDesk:
    """Lists reports and resolves them, each once."""

    def __init__(self, reports: ReportStore, trail: AuditTrail, clock: Clock) -> None:
        self._reports = reports
        self._trail = trail
        self._clock = clock

    async def list(self, _operator: Operator, command: ListReports) -> ReportPage:
        """A page of reports, the latest first."""
        found = await self._reports.page(
            None if command.state is UNSET else command.state,
            before=_position(command.after),
            limit=command.limit + 1,
        )
        page = found[: command.limit]
        following = _cursor(page[-1]) if len(found) > command.limit else UNSET
        return ReportPage(reports=[_shown(report) for report in page], next=following)

    async def inspect(self, _operator: Operator, command: InspectReport) -> FiledReport:
        """One report."""
        return _shown(await self._report(command.report_id))

    async def resolve(self, operator: Operator, command: ResolveReport) -> FiledReport:
        """Say what came of it; ``Conflict`` if something else was said before."""
        resolved = await self._reports.resolve(command.report_id, command.resolution, self._clock())
        report = await self._report(command.report_id)
        if report.resolution != command.resolution:
            raise Conflict("the report is resolved", field="resolution", reason="resolved")
        if resolved:
            await self._trail.record(party(operator), _act(report))
        return _shown(report)

    async def _report(self, report_id: ReportId) -> Report:
        report = await self._reports.get(report_id)
        if report is None:
            raise NotFound("no such report", field="reportId")
        return report


def _act(report: Report) -> Act:
    return Act(
        kind="report.resolved",
        user_id=report.user_id,
        room_id=report.room_id,
        message_id=report.message_id,
        report_id=report.report_id,
        detail=report.resolution,
    )


def _position(cursor: str | UnsetType) -> ReportPosition | None:
    if cursor is UNSET:
        return None
    millis, _, report_id = cursor.partition(".")
    return ReportPosition(at=from_millis(int(millis)), report_id=ReportId(report_id))


def _cursor(last: Report) -> str:
    return f"{to_millis(last.at)}.{last.report_id}"


def _shown(report: Report) -> FiledReport:
    return FiledReport(
        id=report.report_id,
        reporter_id=report.reporter_id,
        user_id=report.user_id,
        room_id=report.room_id or UNSET,
        message_id=report.message_id or UNSET,
        reason=report.reason,
        at=timestamp(report.at),
        state=report.state,
        resolution=report.resolution or UNSET,
        resolved_at=timestamp(report.resolved_at) if report.resolved_at else UNSET,
    )
