"""What answers say beside what was asked for."""

import json

import pytest

from tests.security.commands import filled, ids_of, in_path, rest, rows
from tests.security.person import PASSWORD
from tests.security.stage import Stage
from whatchat.features.rooms.service import RoomService

MARK = "zqmarkqz"
PATHS = ("/", "/docs", "/nowhere", "/api/users/me", "/api/nowhere", "/livez", "/readyz", "/metrics")


async def test_headers_of_every_answer(stage: Stage) -> None:
    """No answer, good or bad, is to be sniffed, framed, or sent on with its address."""
    for path in PATHS:
        for method in ("GET", "POST"):
            answer = await stage.node.http.request(method, path)
            assert answer.headers["x-content-type-options"] == "nosniff", path
            assert answer.headers["referrer-policy"] == "no-referrer", path
            policy = answer.headers["content-security-policy"]
            assert "frame-ancestors 'none'" in policy, path
            assert "unsafe" not in policy, path


async def test_names_and_versions_of_programs(stage: Stage) -> None:
    """No answer tells what it was made with."""
    for path in (*PATHS, "/socket.io/?EIO=4&transport=polling", "/socket.io/?EIO=3"):
        answer = await stage.node.http.get(path)
        assert not {"server", "x-powered-by", "via"} & set(answer.headers), path
        for name in ("uvicorn", "starlette", "python/", "engineio", "whatchat/"):
            assert name not in str(answer.headers).lower(), path
    raw = await stage.node.raw(b"nonsense\r\n\r\n", seconds=2)
    assert b"server:" not in raw.lower()
    assert b"uvicorn" not in raw.lower()


async def test_tokens_in_caches(stage: Stage) -> None:
    """Nothing that is for one person is kept by a cache on the way."""
    ada = await stage.person()
    room = await ada.group()
    for path in ("/users/me", "/rooms", f"/messages/{room}", "/devices", "/nowhere"):
        assert (await ada.get(path)).headers["cache-control"] == "no-store", path
    login = {"username": ada.username, "password": PASSWORD}
    answer = await ada.http.post("/api/auth/login", json=login)
    assert answer.headers["cache-control"] == "no-store"
    answer = await ada.http.post("/api/auth/login", json=login | {"password": "wrong"})
    assert answer.headers["cache-control"] == "no-store"
    answer = await ada.http.get("/socket.io/?EIO=4&transport=polling")
    assert answer.headers["cache-control"] == "no-store"


async def test_unforeseen_errors(stage: Stage) -> None:
    """When something of ours breaks, the client learns that, and not what, where or why."""
    ada = await stage.person()
    room = await ada.group()

    async def breaks(*_: object, **__: object) -> None:
        raise RuntimeError("the secret of the third shelf")

    wire = await ada.socket()
    stage.patch.setattr(RoomService, "_shown", breaks)
    answer = await ada.get(f"/rooms/{room}")
    ack = await wire.ask("room:update", {"roomId": room, "name": "New"})
    assert answer.status_code == 503
    assert answer.json()["error"] == ack["error"]
    for said in (answer.text + str(answer.headers), json.dumps(ack)):
        for secret in ("shelf", "RuntimeError", "Traceback", ".py", "_shown"):
            assert secret not in said
    found = [one for one in stage.logged() if "shelf" in one.get("exception", "")]
    assert len(found) == 2
    stage.forget_log()


async def test_answers_that_repeat_what_was_sent(stage: Stage) -> None:
    """A refusal names a field and says nothing of what was in it."""
    ada = await stage.person()
    ids = ids_of()
    for row in rows():
        fields = filled(row, ids)
        for name, value in fields.items():
            if row.http and isinstance(value, str) and name not in in_path(row):
                bad = f"\x1b{MARK}<script>" * 40
                answer = await rest(ada, row, fields | {name: bad})
                if answer.status_code >= 400:
                    assert MARK not in answer.text + str(answer.headers), (row.http, name)
    for path in (f"/{MARK}", f"/api/{MARK}", f"/api/rooms/{MARK}<script>", f"/docs?{MARK}"):
        answer = await ada.http.get(path)
        assert answer.status_code in {200, 401, 404}, path
        assert MARK not in answer.text + str(answer.headers)


async def test_trace_ids_that_are_none(stage: Stage) -> None:
    """A trace id that is sent back was well-formed; another one is replaced."""
    good = "a1" * 16
    for trace, kept in (
        (f"00-{good}-{'b' * 16}-01", True),
        ("x" * 5_000, False),
        (f"00-{'0' * 32}-{'b' * 16}-01", False),
        (f"00-{good[:-1]}G-{'b' * 16}-01", False),
        ("<script>", False),
    ):
        answer = await stage.node.http.get("/nowhere", headers={"Traceparent": trace})
        found = answer.headers["x-trace-id"]
        assert (found == good) is kept, trace[:60]
        assert len(found) == 32
        assert set(found) <= set("0123456789abcdef")


async def test_line_breaks_into_headers(stage: Stage) -> None:
    """Nothing that a client sends becomes a header of the answer."""
    ada = await stage.person()
    for path in (
        "/%0d%0aSet-Cookie:a=b",
        "/api/rooms/%0d%0aSet-Cookie:a=b",
        "/api/users?query=%0d%0aX:y",
    ):
        answer = await ada.http.get(path, headers={"Authorization": f"Bearer {ada.token}"})
        assert not {"set-cookie", "x"} & set(answer.headers), path


async def test_cookies(stage: Stage) -> None:
    """Nothing rests on cookies, so that no page can use somebody's without knowing it."""
    ada = await stage.person()
    for path in (*PATHS, "/socket.io/?EIO=4&transport=polling"):
        assert "set-cookie" not in (await ada.http.get(path)).headers
    login = {"username": ada.username, "password": PASSWORD}
    assert "set-cookie" not in (await ada.http.post("/api/auth/login", json=login)).headers


@pytest.mark.parametrize("path", ["/metrics", "/readyz"])
async def test_people_in_what_operators_read(stage: Stage, path: str) -> None:
    """Metrics and probes count, and name no person, room, address or address of a database."""
    ada = await stage.person()
    room = await ada.group(name="Secret")
    await ada.send(room, "hello")
    wire = await ada.socket()
    said = (await stage.node.http.get(path)).text
    for secret in (ada.id, ada.username, room, wire.opening["sid"], "Secret", "sqlite:", "redis:"):
        assert secret not in said, secret
