"""What people report, and what is not theirs to report."""

import msgspec
import pytest

from tests.integration.services.conftest import House, PodServices, actor
from whatchat.audit import writing
from whatchat.domain.audit import Act, Record
from whatchat.domain.errors import Conflict, Invalid, NotFound, Unavailable
from whatchat.domain.ids import MessageId, RoomId, UserId
from whatchat.domain.models import Message
from whatchat.domain.ports.report_store import Report
from whatchat.features.messages.contract import DeleteMessage
from whatchat.features.reports import service
from whatchat.features.reports.contract import FileReport
from whatchat.features.rooms.contract import (
    AddMembers,
    CreateRoom,
    JoinRoom,
    RemoveMember,
    SettingsPatch,
)

ADA, BOB, EVE = actor("ada"), actor("bob"), actor("eve")


@pytest.fixture
async def pod(house: House) -> PodServices:
    return await house.pod()


def of(message: Message | None = None, user: str | None = None, reason: str = "spam") -> FileReport:
    given: dict[str, object] = {}
    if message:
        given["message_id"] = message.id
    if user:
        given["user_id"] = UserId(user)
    return FileReport(reason=reason, **given)  # type: ignore[arg-type] # of these two kinds


async def kept(house: House) -> list[Report]:
    return await house.store.reports.page(None, before=None, limit=100)


async def recorded(house: House) -> list[Record]:
    """The reports that the audit log has."""
    waiting = await house.store.audit.pending(limit=100)
    records = [msgspec.json.decode(one.body, type=Record) for one in waiting]
    return [record for record in records if record.act.kind == "report.filed"]


async def test_a_message_is_reported_by_whoever_can_read_it(house: House, pod: PodServices) -> None:
    room = await pod.group("ada", "bob")
    message = await pod.send("bob", room.id, "nasty words")
    pod.told.records.clear()
    await pod.reports.file(ADA, of(message, reason="he swears"))
    (report,) = await kept(house)
    assert (report.reporter_id, report.user_id) == (ADA.user_id, BOB.user_id)
    assert (report.room_id, report.message_id) == (room.id, message.id)
    assert (report.reason, report.state) == ("he swears", "open")
    (record,) = pod.told.records
    assert record.actor.user_id == ADA.user_id
    assert record.act == Act(
        kind="report.filed",
        user_id=BOB.user_id,
        room_id=room.id,
        message_id=message.id,
        report_id=report.report_id,
    )


async def test_a_person_is_reported(house: House, pod: PodServices) -> None:
    await pod.reports.file(ADA, of(user="bob"))
    (report,) = await kept(house)
    assert (report.user_id, report.room_id, report.message_id) == (BOB.user_id, None, None)
    assert [act.user_id for act in pod.told.acts] == [BOB.user_id]


async def test_a_message_may_come_with_its_writer_and_with_nobody_else(
    house: House, pod: PodServices
) -> None:
    room = await pod.group("ada", "bob", "eve")
    message = await pod.send("bob", room.id)
    with pytest.raises(Invalid) as refused:
        await pod.reports.file(ADA, of(message, "eve"))
    assert refused.value.field == "userId"
    await pod.reports.file(ADA, of(message, "bob"))
    assert [report.message_id for report in await kept(house)] == [message.id]


async def test_a_repeated_report_changes_nothing(house: House, pod: PodServices) -> None:
    for reason in ("first", "second"):
        await pod.reports.file(ADA, of(user="bob", reason=reason))
    assert [report.reason for report in await kept(house)] == ["first"]
    first, second = pod.told.acts
    assert first == second


async def test_a_report_that_was_not_recorded_is_once_it_is_repeated(
    house: House, pod: PodServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr(writing, "MAX_WAITING", 0)
        with pytest.raises(Unavailable):
            await pod.reports.file(ADA, of(user="bob"))
    assert await recorded(house) == []
    await pod.reports.file(ADA, of(user="bob"))
    (report,) = await kept(house)
    (record,) = await recorded(house)
    assert (record.actor.user_id, record.act.user_id) == (ADA.user_id, BOB.user_id)
    assert record.act.report_id == report.report_id


async def test_a_resolved_report_can_be_made_again(house: House, pod: PodServices) -> None:
    await pod.reports.file(ADA, of(user="bob"))
    (report,) = await kept(house)
    await house.store.reports.resolve(report.report_id, "dismissed", report.at)
    await pod.reports.file(ADA, of(user="bob"))
    assert [one.state for one in await kept(house)].count("open") == 1


async def test_nobody_reports_themselves(house: House, pod: PodServices) -> None:
    room = await pod.group("ada", "bob")
    own = await pod.send("ada", room.id)
    for command, field in [(of(user="ada"), "userId"), (of(own), "messageId")]:
        with pytest.raises(Invalid) as refused:
            await pod.reports.file(ADA, command)
        assert refused.value.field == field
    assert await kept(house) == []


async def test_an_unknown_person_cannot_be_reported(house: House, pod: PodServices) -> None:
    with pytest.raises(NotFound) as refused:
        await pod.reports.file(ADA, of(user="nobody"))
    assert refused.value.field == "userId"
    assert await kept(house) == []


async def refusal(pod: PodServices, message_id: str) -> tuple[str, str | None]:
    with pytest.raises(NotFound) as refused:
        await pod.reports.file(EVE, FileReport(message_id=MessageId(message_id), reason="spam"))
    return refused.value.text, refused.value.field


async def test_what_cannot_be_read_is_as_if_it_were_not_there(
    house: House, pod: PodServices
) -> None:
    room = await pod.group("ada", "bob")
    before = await pod.send("bob", room.id)
    public = await pod.group("bob", settings=SettingsPatch(is_private=False))
    outside = await pod.send("bob", public.id)
    unknown = await refusal(pod, "no-such-message")
    assert await refusal(pod, f"{room.id}zz") == unknown
    assert await refusal(pod, before.id) == unknown
    assert await refusal(pod, outside.id) == unknown
    await pod.rooms.add(ADA, AddMembers(room_id=room.id, user_ids=(EVE.user_id,)))
    assert await refusal(pod, before.id) == unknown
    seen = await pod.send("bob", room.id)
    await pod.rooms.remove(ADA, RemoveMember(room_id=room.id, user_id=EVE.user_id))
    assert await refusal(pod, seen.id) == unknown
    assert await kept(house) == []


async def test_whoever_joins_a_public_room_reports_what_was_said_before(
    house: House, pod: PodServices
) -> None:
    public = await pod.group("bob", settings=SettingsPatch(is_private=False))
    message = await pod.send("bob", public.id)
    await pod.rooms.join(EVE, JoinRoom(room_id=public.id))
    await pod.reports.file(EVE, of(message))
    assert len(await kept(house)) == 1


async def direct(pod: PodServices) -> RoomId:
    command = CreateRoom(kind="direct", participants=(BOB.user_id,))
    return (await pod.rooms.create(ADA, command)).value.id


async def test_what_is_hidden_from_somebody_is_not_theirs_to_report(
    house: House, pod: PodServices
) -> None:
    room_id = await direct(pod)
    house.blocks.block("ada", "bob")
    hidden = await pod.send("bob", room_id)
    with pytest.raises(NotFound):
        await pod.reports.file(ADA, of(hidden))
    assert await kept(house) == []


async def test_what_was_deleted_since_is_reported_all_the_same(
    house: House, pod: PodServices
) -> None:
    message = await pod.send("bob", await direct(pod))
    await pod.messages.delete(BOB, DeleteMessage(message_id=message.id))
    await pod.reports.file(ADA, of(message))
    assert [report.message_id for report in await kept(house)] == [message.id]


async def test_open_reports_of_one_person_have_a_bound(
    house: House, pod: PodServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_OPEN_REPORTS", 1)
    await pod.reports.file(ADA, of(user="bob"))
    with pytest.raises(Conflict) as refused:
        await pod.reports.file(ADA, of(user="eve"))
    assert refused.value.reason == "too_many_reports"
    await pod.reports.file(ADA, of(user="bob"))
    await pod.reports.file(EVE, of(user="bob"))
    assert len(await kept(house)) == 2
