"""What operators see and do, on two pods."""

import secrets
from typing import Any

import pytest

from tests.e2e.raw import Account, Socket, history, register, rest
from tests.integration.admin.conftest import READ, Site, Station
from tests.integration.services.conftest import store_of
from whatchat.domain.audit import Kind, Record
from whatchat.domain.ports.store import Store
from whatchat.entrypoints.operators import BAD_TOKENS


@pytest.fixture(params=["sqlite", "mongo"])
def unopened(request: pytest.FixtureRequest) -> Store:
    """A store of each kind."""
    return store_of(request)


async def room_of(station: Station, admin: Account, *others: Account) -> str:
    people = [one.id for one in others]
    body = {"kind": "group", "name": "Engines", "participants": people}
    status, room = await rest(station, "POST", "/rooms", body, token=admin.token)
    assert status == 201, room
    return str(room["id"])


async def said(station: Station, who: Account, room_id: str, content: str = "hi") -> str:
    body = {"roomId": room_id, "clientId": secrets.token_hex(8), "content": content}
    status, message = await rest(station, "POST", "/messages", body, token=who.token)
    assert status == 201, message
    return str(message["id"])


async def done(site: Site, kind: Kind) -> list[Record]:
    return [one for one in await site.records() if one.act.kind == kind]


async def hears(socket: Socket, event: str) -> dict[str, Any]:
    """The next event of that name; others may come before."""
    while True:
        name, data = await socket.next()
        if name == event:
            return data


async def test_a_ban_closes_sockets_on_every_pod_until_it_is_lifted(site: Site) -> None:
    ada = await register(site.one, "ada")
    sockets = [await Socket.connect(station, ada) for station in (site.one, site.other)]
    status, _ = await site.one.ask("POST", f"/admin/users/{ada.id}/ban", {"reason": "spam"})
    assert status == 204
    for socket in sockets:
        assert await hears(socket, "session:closing") == {"code": 4401, "resume": False}
        await socket.close()
    _, seen = await site.other.ask("GET", f"/admin/users/{ada.id}")
    assert seen["banReason"] == "spam"
    assert "bannedAt" in seen["user"]
    _, page = await site.other.ask("GET", "/admin/users?banned=true")
    assert [one["id"] for one in page["users"]] == [ada.id]
    assert (await rest(site.other, "GET", "/users/me", token=ada.token))[0] == 401
    assert (await site.other.ask("POST", f"/admin/users/{ada.id}/unban"))[0] == 204
    _, page = await site.one.ask("GET", "/admin/users?banned=true")
    assert page == {"users": []}
    for kind in ("account.banned", "account.unbanned"):
        (record,) = await done(site, kind)
        assert (record.actor.role, record.act.user_id) == ("operator", ada.id)


async def test_an_operator_signs_somebody_out_everywhere(site: Site) -> None:
    ada = await register(site.one, "ada")
    socket = await Socket.connect(site.other, ada)
    answer = await site.one.ask("POST", f"/admin/users/{ada.id}/sign-out")
    assert answer == (200, {"ended": 1})
    assert await hears(socket, "session:closing") == {"code": 4401, "resume": False}
    await socket.close()


async def test_a_persons_access_is_seen_whole(site: Site) -> None:
    ada, bob = [await register(site.one, name) for name in ("ada", "bob")]
    sockets = [await Socket.connect(station, ada) for station in (site.one, site.other)]
    body = {"userId": ada.id, "reason": "spam"}
    assert (await rest(site.one, "POST", "/reports", body, token=bob.token))[0] == 202
    await site.one.limiter.slow_down(f"user:{ada.id}", factor=3, seconds=60)
    status, seen = await site.one.ask("GET", f"/admin/users/{ada.id}", token=READ)
    assert status == 200
    assert seen["user"]["username"] == ada.username
    assert [one["id"] for one in seen["devices"]] == [ada.device_id]
    pods = {one["pod"] for one in seen["sockets"]}
    assert pods == {site.one.pod.name, site.other.pod.name}
    assert (seen["openReports"], seen["slowedBy"]) == (1, 3)
    assert (await site.one.ask("POST", f"/admin/users/{ada.id}/forgive"))[0] == 204
    _, seen = await site.one.ask("GET", f"/admin/users/{ada.id}")
    assert seen["slowedBy"] == 1
    for socket in sockets:
        await socket.close()


async def test_a_pods_sockets_are_listed_and_closed_to_resume(site: Site) -> None:
    ada, bob = [await register(site.one, name) for name in ("ada", "bob")]
    room_id = await room_of(site.one, ada)
    hers, his = [await Socket.connect(site.one, one) for one in (ada, bob)]
    _, page = await site.one.ask("GET", f"/admin/sockets?userId={ada.id}")
    (shown,) = page["sockets"]
    assert (shown["userId"], shown["deviceId"]) == (ada.id, ada.device_id)
    assert (shown["address"], shown["transport"]) == ("127.0.0.1", "websocket")
    assert shown["rooms"] == 1, room_id
    _, first = await site.one.ask("GET", "/admin/sockets?limit=1")
    _, rest_ = await site.one.ask("GET", f"/admin/sockets?limit=1&after={first['next']}")
    found = [*first["sockets"], *rest_["sockets"]]
    assert {one["userId"] for one in found} == {ada.id, bob.id}
    assert await site.other.ask("GET", "/admin/sockets") == (200, {"sockets": []})
    assert (await site.other.ask("DELETE", f"/admin/sockets/{shown['socket']}"))[0] == 404
    assert (await site.one.ask("DELETE", f"/admin/sockets/{shown['socket']}"))[0] == 204
    assert await hears(hers, "session:closing") == {"code": 4503, "resume": True}
    for socket in (hers, his):
        await socket.close()
    (record,) = await done(site, "socket.closed")
    assert (record.actor.role, record.act.user_id) == ("operator", ada.id)
    assert record.act.device_id == ada.device_id


async def test_rooms_are_seen_without_what_is_said(site: Site) -> None:
    ada, bob = [await register(site.one, name) for name in ("ada", "bob")]
    room_id = await room_of(site.one, ada, bob)
    await said(site.one, ada, room_id, "zebras at dawn")
    _, page = await site.one.ask("GET", "/admin/rooms?query=engine")
    _, room = await site.one.ask("GET", f"/admin/rooms/{room_id}")
    assert page == {"rooms": [room]}
    assert (room["name"], room["participantCount"], room["createdBy"]) == ("Engines", 2, ada.id)
    _, first = await site.one.ask("GET", f"/admin/rooms/{room_id}/members?limit=1")
    path = f"/admin/rooms/{room_id}/members?after={first['next']}"
    _, second = await site.one.ask("GET", path)
    roles = {one["user"]["id"]: one["role"] for one in [*first["members"], *second["members"]]}
    assert roles == {ada.id: "admin", bob.id: "member"}
    assert "zebra" not in str([page, first, second])


async def test_a_message_is_erased_for_everyone_once(site: Site) -> None:
    ada, bob = [await register(site.one, name) for name in ("ada", "bob")]
    room_id = await room_of(site.one, ada, bob)
    message_id = await said(site.one, ada, room_id, "zebras at dawn")
    socket = await Socket.connect(site.other, bob)
    for _ in range(2):
        assert (await site.one.ask("DELETE", f"/admin/messages/{message_id}"))[0] == 204
    told = await hears(socket, "message:deleted")
    assert (told["message"]["id"], told["message"]["content"]) == (message_id, "")
    await socket.close()
    (kept,) = [one for one in await history(site.one, bob, room_id) if one["id"] == message_id]
    assert (kept["content"], "deletedAt" in kept) == ("", True)
    (record,) = await done(site, "message.removed")
    assert (record.actor.role, record.act.message_id) == ("operator", message_id)
    assert (record.act.user_id, record.act.room_id) == (ada.id, room_id)
    assert (await site.one.ask("DELETE", f"/admin/messages/{room_id}zz"))[0] == 404


async def test_a_last_admin_who_is_put_out_has_a_successor(site: Site) -> None:
    ada, bob = [await register(site.one, name) for name in ("ada", "bob")]
    room_id = await room_of(site.one, ada, bob)
    socket = await Socket.connect(site.other, ada)
    path = f"/admin/rooms/{room_id}/members/{ada.id}"
    assert (await site.one.ask("DELETE", path))[0] == 204
    assert (await hears(socket, "room:removed"))["roomId"] == room_id
    await socket.close()
    assert (await rest(site.one, "GET", f"/rooms/{room_id}", token=ada.token))[0] == 404
    await said(site.one, bob, room_id)
    _, room = await rest(site.one, "GET", f"/rooms/{room_id}", token=bob.token)
    assert [(one["user"]["id"], one["role"]) for one in room["participants"]] == [(bob.id, "admin")]
    assert (await site.one.ask("DELETE", path))[0] == 404
    told = [*await done(site, "member.removed"), *await done(site, "admin.granted")]
    assert [(one.actor.role, one.act.room_id) for one in told] == [("operator", room_id)] * 2
    assert [one.act.user_id for one in told] == [ada.id, bob.id]


async def test_nobody_is_put_out_of_a_direct_room(site: Site) -> None:
    ada, bob = [await register(site.one, name) for name in ("ada", "bob")]
    body = {"kind": "direct", "participants": [bob.id]}
    _, room = await rest(site.one, "POST", "/rooms", body, token=ada.token)
    status, answer = await site.one.ask("DELETE", f"/admin/rooms/{room['id']}/members/{bob.id}")
    assert (status, answer["error"]["code"]) == (403, "forbidden")


async def test_a_report_is_listed_and_resolved_once(site: Site) -> None:
    ada, bob = [await register(site.one, name) for name in ("ada", "bob")]
    room_id = await room_of(site.one, ada, bob)
    message_id = await said(site.one, ada, room_id, "zebras at dawn")
    body = {"messageId": message_id, "reason": "spam"}
    assert (await rest(site.one, "POST", "/reports", body, token=bob.token))[0] == 202
    _, page = await site.other.ask("GET", "/admin/reports?state=open")
    (report,) = page["reports"]
    assert (report["reporterId"], report["userId"]) == (bob.id, ada.id)
    assert (report["messageId"], report["reason"]) == (message_id, "spam")
    assert "zebra" not in str(page)
    path = f"/admin/reports/{report['id']}"
    assert await site.other.ask("GET", path) == (200, report)
    for _ in range(2):
        status, resolved = await site.one.ask("POST", f"{path}/resolve", {"resolution": "banned"})
        assert (status, resolved["state"], resolved["resolution"]) == (200, "resolved", "banned")
    status, answer = await site.one.ask("POST", f"{path}/resolve", {"resolution": "dismissed"})
    assert (status, answer["error"]["code"]) == (409, "conflict")
    assert await site.one.ask("GET", "/admin/reports?state=open") == (200, {"reports": []})
    (record,) = await done(site, "report.resolved")
    assert (record.act.report_id, record.act.detail) == (report["id"], "banned")


async def test_reports_are_paged_the_latest_first(site: Site) -> None:
    people = [await register(site.one, f"p{number}") for number in range(4)]
    for one in people[1:]:
        body = {"userId": one.id, "reason": "spam"}
        await rest(site.one, "POST", "/reports", body, token=people[0].token)
    _, first = await site.one.ask("GET", "/admin/reports?limit=2")
    _, second = await site.one.ask("GET", f"/admin/reports?limit=2&after={first['next']}")
    found = [one["userId"] for one in [*first["reports"], *second["reports"]]]
    assert sorted(found) == sorted(one.id for one in people[1:])
    assert "next" not in second


async def test_a_drain_is_asked_for_on_one_pod_alone(site: Site) -> None:
    _, before = await site.one.ask("GET", "/admin/pod")
    assert (before["ready"], before["draining"]) == (True, False)
    for _ in range(2):
        assert await site.one.ask("POST", "/admin/drain") == (202, {})
    assert site.one.pod.asked_to_end.is_set()
    assert not site.other.pod.asked_to_end.is_set()
    _, after = await site.one.ask("GET", "/admin/pod")
    assert (after["ready"], after["draining"]) == (False, True)
    assert len(await done(site, "pod.drained")) == 1


async def test_limits_in_force_are_shown(site: Site) -> None:
    _, table = await site.one.ask("GET", "/admin/limits")
    assert table["enabled"]
    assert {one["each"] for one in table["limits"]} == {"device", "user", "network"}


async def test_bad_tokens_are_limited_and_then_good_ones_are_not_looked_at(site: Site) -> None:
    codes = []
    for number in range(BAD_TOKENS.burst + 1):
        _, answer = await site.one.ask("GET", "/admin/pod", token=f"guess {number}")
        codes.append(answer["error"]["code"])
    assert codes == ["unauthenticated"] * BAD_TOKENS.burst + ["rate_limited"]
    status, answer = await site.one.ask("GET", "/admin/pod")
    assert (status, answer["error"]["code"]) == (429, "rate_limited")
    assert answer["error"]["retryAfterMs"] > 0
