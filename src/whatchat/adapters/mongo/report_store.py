"""Reports in MongoDB."""

from datetime import datetime
from typing import Final

from pymongo.errors import DuplicateKeyError

from whatchat.adapters.mongo.collections import Document
from whatchat.adapters.mongo.database import MongoDatabase
from whatchat.adapters.mongo.deadlines import within_deadline
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import ReportId, UserId
from whatchat.domain.ports.report_store import (
    Filing,
    Report,
    ReportPosition,
    ReportState,
    Resolution,
)

_OPEN: Final = {"open": True}


class MongoReportStore:
    """Implements ``ReportStore``; ``open`` is there for as long as a report is."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database

    @within_deadline
    async def file(self, report: Report, *, most: int) -> Filing:
        by_them: Document = {"reporter_id": report.reporter_id}
        same = _what(report)
        reports = self._database.majority.reports
        if await reports.find_one({**same, **_OPEN}):
            return "repeated"
        if await self._open(by_them, most) >= most:
            return "too_many"
        rest = {"room_id": report.room_id, "reason": report.reason, "at": report.at}
        try:
            await reports.insert_one({"_id": report.report_id, **same, **rest, **_OPEN})
        except DuplicateKeyError:
            # Once a majority has it: until then a failover may undo it.
            if await reports.find_one({**same, **_OPEN}) is None:
                raise Unavailable from None
            return "repeated"
        return "filed"

    @within_deadline
    async def same(self, report: Report) -> Report | None:
        found = await self._database.majority.reports.find_one({**_what(report), **_OPEN})
        return _report(found) if found else None

    @within_deadline
    async def resolve(self, report_id: ReportId, resolution: Resolution, at: datetime) -> bool:
        reports = self._database.majority.reports
        done = await reports.update_one(
            {"_id": report_id, **_OPEN},
            {"$set": {"resolution": resolution, "resolved_at": at}, "$unset": {"open": True}},
        )
        if not done.modified_count and await reports.find_one({"_id": report_id, **_OPEN}):
            raise Unavailable  # it was resolved, but no majority has that yet
        return done.modified_count == 1

    @within_deadline
    async def get(self, report_id: ReportId) -> Report | None:
        found = await self._database.majority.reports.find_one({"_id": report_id})
        return _report(found) if found else None

    @within_deadline
    async def page(
        self, state: ReportState | None, *, before: ReportPosition | None, limit: int
    ) -> list[Report]:
        match: Document = {}
        if state is not None:
            match = {**_OPEN} if state == "open" else {"resolved_at": {"$exists": True}}
        if before:
            match["$or"] = [
                {"at": {"$lt": before.at}},
                {"at": before.at, "_id": {"$lt": before.report_id}},
            ]
        cursor = self._database.majority.reports.find(
            match, sort=[("at", -1), ("_id", -1)], limit=limit, batch_size=limit + 1
        )
        return [_report(found) for found in await cursor.to_list()]

    @within_deadline
    async def open_about(self, user_id: UserId, *, limit: int) -> int:
        return await self._open({"user_id": user_id}, limit)

    async def _open(self, match: Document, limit: int) -> int:
        return await self._database.majority.reports.count_documents(
            {**match, **_OPEN}, limit=limit
        )


def _what(report: Report) -> Document:
    """What reports are the same by."""
    return {
        "reporter_id": report.reporter_id,
        "user_id": report.user_id,
        "message_id": report.message_id,
    }


def _report(document: Document) -> Report:
    return Report(
        report_id=document["_id"],
        reporter_id=document["reporter_id"],
        user_id=document["user_id"],
        room_id=document["room_id"],
        message_id=document["message_id"],
        reason=document["reason"],
        at=document["at"],
        resolution=document.get("resolution"),
        resolved_at=document.get("resolved_at"),
    )
