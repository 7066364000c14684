"""Reporting on the wire."""

from typing import Final

from whatchat.domain.contract import Endpoint, Event
from whatchat.features.reports.contract import FileReport
from whatchat.features.reports.service import ReportService

ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    Endpoint(FileReport, ReportService.file, http="POST /api/reports", status=202),
)

EVENTS: Final[tuple[type[Event], ...]] = ()
