"""What is there against people who misbehave, turned to other ends."""

from typing import Any, Final

import msgspec

from tests.security.audit_log import AuditLog
from tests.security.forging import assert_refused
from tests.security.person import PASSWORD, Person, code_of, field_of
from tests.security.stage import Node, Stage
from tests.security.test_admin import TOKEN, desk
from whatchat.domain.ids import random_id

OPERATOR: Final = {"Authorization": f"Bearer {TOKEN}"}


async def operate(node: Node, path: str, body: object = None) -> None:
    answer = await node.http.post(f"/admin{path}", json=body or {}, headers=OPERATOR)
    assert answer.is_success, answer.text


async def report(person: Person, **fields: Any) -> tuple[int, str | None, str | None]:
    answer = await person.ask("POST", "/reports", {"reason": "rude", **fields})
    if answer.is_success:
        return answer.status_code, None, None
    return answer.status_code, code_of(answer), field_of(answer)


async def test_old_tokens_after_a_ban(stage: Stage) -> None:
    """A ban ends every sign-in for good: when it is lifted, what was had before opens nothing."""
    ada = await stage.person()
    node = await desk(stage)
    wire = await ada.socket()
    await operate(node, f"/users/{ada.id}/ban")
    assert await wire.closed() == 4401
    body = {"username": ada.username, "password": PASSWORD}
    assert (await node.http.post("/api/auth/login", json=body)).status_code in {401, 403}
    await operate(node, f"/users/{ada.id}/unban")
    assert (await node.http.post("/api/auth/login", json=body)).status_code == 200
    await assert_refused(stage, ada.token, node=node)
    fresh = {"refreshToken": ada.refresh_token}
    assert (await node.http.post("/api/auth/refresh", json=fresh)).status_code == 401


async def test_ban_told_to_who_does_not_know_the_password(stage: Stage) -> None:
    """Whether somebody is banned is told to nobody else: a wrong password is a wrong password."""
    ada, bob = await stage.people("ada", "bob")
    node = await desk(stage)
    await operate(node, f"/users/{ada.id}/ban")
    answers = [
        await node.http.post("/api/auth/login", json={"username": one, "password": "wrong words"})
        for one in (ada.username, bob.username, "nobody")
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1


async def test_report_of_what_one_cannot_read(stage: Stage) -> None:
    """Nobody finds out by reporting it whether there is such a message, or who wrote it."""
    ada, bob, eve = await stage.people("ada", "bob", "eve")
    room = await ada.group(bob)
    message = await ada.send(room, "said among friends")
    nowhere = await report(eve, messageId="m" * 22)
    assert nowhere == (404, "not_found", "messageId")
    for fields in (
        {"messageId": message["id"]},
        {"messageId": message["id"], "userId": ada.id},
        {"messageId": message["id"], "userId": bob.id},
    ):
        assert await report(eve, **fields) == nowhere
    assert await stage.store.reports.page(None, before=None, limit=10) == []


async def test_report_that_blames_somebody_else(stage: Stage) -> None:
    """A message is reported with who wrote it, whoever it is said to be by."""
    ada, bob, eve = await stage.people("ada", "bob", "eve")
    room = await ada.group(bob, eve)
    message = await ada.send(room, "said among friends")
    blamed = await report(eve, messageId=message["id"], userId=bob.id)
    assert blamed == (422, "invalid", "userId")
    assert (await report(eve, messageId=message["id"]))[0] == 202


async def test_reports_in_the_log(stage: Stage) -> None:
    """A report is on record by its ids: neither what was said nor what was said of it."""
    ada, eve = await stage.people("ada", "eve")
    message = await ada.send(await ada.group(eve), "said among friends")
    assert (await report(eve, messageId=message["id"], reason="hurts\nme"))[0] == 202
    log = AuditLog(stage)
    await log.seal()
    (body,) = [one.body for one in await log.chain() if b"report.filed" in one.body]
    act = msgspec.json.decode(body)["act"]
    assert set(act) == {"kind", "userId", "roomId", "messageId", "reportId"}
    assert b"hurts" not in body
    for secret in ("hurts", "said among friends"):
        assert secret not in stage.log_text()


async def test_reported_people_learn_nothing(stage: Stage) -> None:
    """Whom a report is about hears nothing of it, and can do nothing to it."""
    ada, eve = await stage.people("ada", "eve")
    wire = await ada.socket()
    assert (await report(eve, userId=ada.id))[0] == 202
    await wire.settled()
    assert wire.names() == ["session:ready"]
    for method in ("GET", "DELETE", "PUT", "PATCH"):
        assert (await ada.ask(method, "/reports")).status_code == 405
    assert (await ada.get(f"/reports/{eve.id}")).status_code == 404


async def test_operators_from_a_foreign_page(stage: Stage) -> None:
    """No page can have an operator's browser act: nothing but the token's header counts."""
    ada = await stage.person()
    node = await desk(stage)
    path = f"/admin/users/{ada.id}/ban"
    page = {"Origin": "https://evil.example", "Cookie": f"token={TOKEN}; Authorization={TOKEN}"}
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json"):
        headers = page | {"Content-Type": kind}
        answer = await node.http.post(path, content=b"{}", headers=headers)
        assert (answer.status_code, code_of(answer)) == (401, "unauthenticated")
        assert "access-control-allow-origin" not in answer.headers
    asked = {"Access-Control-Request-Method": "POST"}
    asked |= {"Access-Control-Request-Headers": "authorization"}
    preflight = await node.http.options(path, headers=page | asked)
    assert "access-control-allow-origin" not in preflight.headers
    assert (await ada.get("/users/me")).status_code == 200


async def test_guessable_passwords(stage: Stage) -> None:
    """What is on everybody's list, or is one's own name, is no password, at first or later."""
    ada = await stage.person("engineering")
    for password in ("password123", "qwertyuiop", "iloveyou1", "aaaaaaaaaaaa", "engineering99"):
        body = {"username": "engineering99", "password": password}
        answer = await ada.http.post("/api/auth/register", json=body)
        assert (answer.status_code, field_of(answer)) == (422, "password"), password
        change = {"currentPassword": PASSWORD, "newPassword": password}
        answer = await ada.ask("POST", "/auth/password", change)
        assert (answer.status_code, field_of(answer)) == (422, "newPassword"), password
    assert (await ada.login()).id == ada.id


async def test_registering_the_name_of_somebody_else(stage: Stage) -> None:
    """A name that reads like one that is taken is refused, or is plain ASCII and another."""
    ada = await stage.person()
    body = {"username": ada.username, "password": PASSWORD}
    answer = await ada.http.post("/api/auth/register", json=body)
    assert (answer.status_code, code_of(answer)) == (409, "conflict")
    look = ada.username.replace("a", "\u0430")
    for name in (look, ada.username.upper(), f"{ada.username}\u200b", f"\ufeff{ada.username}"):
        answer = await ada.http.post("/api/auth/register", json=body | {"username": name})
        assert (answer.status_code, field_of(answer)) == (422, "username"), name


async def test_report_flood(stage: Stage) -> None:
    """The same report again and again is one report."""
    ada, eve = await stage.people("ada", "eve")
    for _ in range(5):
        assert (await report(eve, userId=ada.id, reason=random_id()))[0] == 202
    assert len(await stage.store.reports.page(None, before=None, limit=10)) == 1
