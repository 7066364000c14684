"""What people report to those who run the server."""

from typing import Final

from msgspec import UNSET

from whatchat.domain.actor import Actor
from whatchat.domain.audit import Act
from whatchat.domain.errors import Conflict, Invalid, NotFound
from whatchat.domain.ids import MessageId, ReportId, UserId, locate, random_id
from whatchat.domain.message_state import MessageState, seen_by
from whatchat.domain.ports.audit_trail import AuditTrail
from whatchat.domain.ports.message_store import MessageStore
from whatchat.domain.ports.report_store import Report, ReportStore
from whatchat.domain.ports.room_store import RoomStore
from whatchat.domain.ports.user_directory import UserDirectory
from whatchat.domain.times import Clock, utc_now
from whatchat.features.reports.contract import FileReport

MAX_OPEN_REPORTS: Final = 100
"""By one person; a few more if many are filed at the same time."""


class ReportService:
    """Files reports; whom one is about learns nothing of it."""

    def __init__(
        self,
        reports: ReportStore,
        rooms: RoomStore,
        messages: MessageStore,
        directory: UserDirectory,
        trail: AuditTrail,
        clock: Clock = utc_now,
    ) -> None:
        self._reports = reports
        self._rooms = rooms
        self._messages = messages
        self._directory = directory
        self._trail = trail
        self._clock = clock

    async def file(self, actor: Actor, command: FileReport) -> None:
        """Keep a report; while the same person has the same one open, only record that again.

        ``Conflict`` if that person has too many open.
        """
        report = await self._drawn_up(actor, command)
        if report.user_id == actor.user_id:
            field = "userId" if command.message_id is UNSET else "messageId"
            raise Invalid("nobody can report themselves", field=field)
        match await self._reports.file(report, most=MAX_OPEN_REPORTS):
            case "filed":
                await self._trail.record(actor, _act(report))
            case "repeated":
                await self._record_again(actor, report)
            case "too_many":
                raise Conflict("too many reports are open", reason="too_many_reports")

    async def _record_again(self, actor: Actor, report: Report) -> None:
        """The first attempt may be one whose record could not be made."""
        if filed := await self._reports.same(report):
            await self._trail.record(actor, _act(filed))

    async def _drawn_up(self, actor: Actor, command: FileReport) -> Report:
        message: MessageState | None = None
        message_id: MessageId | None = None
        if command.message_id is not UNSET:
            message_id = command.message_id
            message = await self._readable(actor, message_id)
        return Report(
            report_id=ReportId(random_id()),
            reporter_id=actor.user_id,
            user_id=await self._reported(command, message),
            room_id=message.room_id if message else None,
            message_id=message_id,
            reason=command.reason,
            at=self._clock(),
        )

    async def _reported(self, command: FileReport, message: MessageState | None) -> UserId:
        """Who wrote the message, who must be the one named if both are given."""
        if message is not None:
            if command.user_id not in {UNSET, message.sender_id}:
                raise Invalid("`userId` did not write that message", field="userId")
            return message.sender_id
        assert command.user_id is not UNSET  # noqa: S101 - the command says one of the two
        if command.user_id not in await self._directory.users((command.user_id,)):
            raise NotFound("no such user", field="userId")
        return command.user_id

    async def _readable(self, actor: Actor, message_id: MessageId) -> MessageState:
        """The message, if the actor may read it; tombstones too can be reported."""
        if found := locate(message_id):
            membership = await self._rooms.membership(found[0], actor.user_id)
            if membership and found[1] >= membership.record.readable_from(membership.member):
                message = (await self._messages.messages([found])).get(found)
                if seen := message and seen_by(message, actor.user_id):
                    return seen
        raise NotFound("no such message", field="messageId")


def _act(report: Report) -> Act:
    return Act(
        kind="report.filed",
        user_id=report.user_id,
        room_id=report.room_id,
        message_id=report.message_id,
        report_id=report.report_id,
    )
