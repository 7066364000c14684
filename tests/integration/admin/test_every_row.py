"""What holds for every row that is for operators: who may use it, and that it is recorded."""

import re

import pytest

from tests.e2e.raw import register
from tests.integration.admin.conftest import READ, WRITE, Site
from whatchat.administration import documented_operations
from whatchat.domain.contract import Endpoint
from whatchat.entrypoints.operators import BAD_TOKENS
from whatchat.pod import documented

ROWS = {endpoint.row.command.__name__: endpoint.row for endpoint in documented_operations()}

BODIES = {"ResolveReport": {"resolution": "dismissed"}}

OBJECTS = {
    "userId": "user_id",
    "roomId": "room_id",
    "messageId": "message_id",
    "reportId": "report_id",
}


def asked(row: Endpoint) -> tuple[str, str, object]:
    """Method, path with ids of nothing, and body."""
    method, _, template = str(row.http).partition(" ")
    path = re.sub(r"{(\w+)}", lambda found: "0" * 12 + found[1][0], template)
    path = path.replace("000000000000s", "000000000000")
    return method, path, BODIES.get(row.command.__name__)


def test_rows_change_nothing_unless_they_need_to_write() -> None:
    assert {row.scope for row in ROWS.values()} == {"read", "write"}
    for row in ROWS.values():
        assert str(row.http).startswith("GET ") == (row.scope == "read")


@pytest.mark.parametrize("name", sorted(ROWS))
async def test_a_row_takes_tokens_of_its_scope_alone(site: Site, name: str) -> None:
    row = ROWS[name]
    person = await register(site.one, "ada")
    method, path, body = asked(row)
    for token in (None, "nonsense", WRITE + "!", person.token):
        status, answer = await site.one.ask(method, path, body, token=token)
        assert (status, answer["error"]["code"]) == (401, "unauthenticated"), token
    status, answer = await site.one.ask(method, path, body, token=READ)
    if row.scope == "write":
        assert (status, answer["error"]["code"]) == (403, "forbidden")
    else:
        assert status in {200, 404}
    status, answer = await site.one.ask(method, path, body, token=WRITE)
    assert status in {200, 202, 404}, answer


@pytest.mark.parametrize("name", sorted(ROWS))
async def test_a_call_is_recorded_whatever_came_of_it(site: Site, name: str) -> None:
    row = ROWS[name]
    method, path, body = asked(row)
    await site.one.ask(method, path, body, token=WRITE)
    await site.one.ask(method, path, body, token=READ)
    calls = [one for one in await site.records() if one.act.kind == "admin.called"]
    assert [one.act.detail for one in calls] == [row.http] * 2
    assert {one.actor.role for one in calls} == {"operator"}
    assert {one.actor.address for one in calls} == {"127.0.0.1"}
    assert all(one.trace_id for one in calls)
    outcomes = [one.act.outcome for one in calls]
    assert outcomes[1] == ("forbidden" if row.scope == "write" else outcomes[0])
    for wire, field in OBJECTS.items():
        if f"{{{wire}}}" in str(row.http):
            assert getattr(calls[0].act, field) == "0" * 12 + wire[0]


async def test_a_call_without_a_good_token_is_mentioned(site: Site) -> None:
    await site.one.ask("GET", "/admin/pod", token="nonsense")
    await site.one.pod.stop()
    calls = [one for one in await site.records() if one.act.kind == "admin.called"]
    assert [(one.act.outcome, one.actor.role) for one in calls] == [("unauthenticated", "visitor")]
    assert [one.act.detail for one in calls] == ["GET /admin/pod"]


async def test_a_stranger_fills_the_log_with_nothing(site: Site) -> None:
    for number in range(BAD_TOKENS.burst + 30):
        await site.one.ask("GET", f"/admin/users/anything-{number}", token="nonsense")
    await site.one.pod.stop()
    calls = [one.act for one in await site.records() if one.act.kind == "admin.called"]
    assert {one.user_id for one in calls} == {None}
    assert {one.outcome for one in calls} == {"unauthenticated", "rate_limited"}
    assert sum(one.count for one in calls) == BAD_TOKENS.burst + 30
    assert len(calls) <= 8, "one and its repetitions, of each outcome and window"


@pytest.mark.parametrize("token", [WRITE, READ])
async def test_an_operators_token_is_nothing_to_people(site: Site, token: str) -> None:
    for endpoint in documented():
        if endpoint.row.http and not endpoint.row.public:
            method, path, _ = asked(endpoint.row)
            status, answer = await site.one.ask(method, path, token=token)
            assert (status, answer["error"]["code"]) == (401, "unauthenticated"), path
