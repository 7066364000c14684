"""What people send, where operators read."""

import json
import re

from tests.security.person import PASSWORD, field_of
from tests.security.stage import Stage

ESCAPES = "\x1b[2J\x1b[31m"
LINES = '\n{"level":"info","event":"admin signed in"}\r\n'
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")


def assert_clean(stage: Stage) -> None:
    """Every line is one record that we made, and none speaks to a terminal."""
    for record in stage.logged():
        assert record["event"] != "admin signed in"
        for value in record.values():
            assert not isinstance(value, str) or not CONTROL.search(value), record
    assert not CONTROL.search(stage.log_text())
    assert "\\u001b" not in stage.log_text()


async def test_lines_and_escapes_in_a_path(stage: Stage) -> None:
    """A path cannot begin a line of its own in the log, nor colour it."""
    for path in ("/%0a%7b%22event%22:%22admin signed in%22%7d", "/%1b%5b31m", "/%e2%80%a8", "/%9b"):
        await stage.node.http.get(path)
    paths = [one["path"] for one in stage.logged() if one["event"] == "request"]
    assert '/\\x0a{"event":"admin signed in"}' in paths
    assert_clean(stage)


async def test_lines_and_escapes_in_headers(stage: Stage) -> None:
    """What a client calls itself, or its trace, is not what the log says."""
    for name in ("User-Agent", "Traceparent", "X-Trace-Id", "X-Forwarded-For", "Host", "Referer"):
        head = f"GET /livez HTTP/1.1\r\n{name}: {ESCAPES}\u0085x\r\nConnection: close\r\n\r\n"
        await stage.node.raw(head.encode(), seconds=2)
    trace = "00-" + "a" * 32 + "-" + "b" * 16 + "-01\u2028x"
    await stage.node.http.get("/nowhere", headers={b"Traceparent": trace.encode()})
    assert "trace" in stage.log_text()
    assert "u2028" not in stage.log_text()
    assert_clean(stage)


async def test_lines_and_escapes_in_names(stage: Stage) -> None:
    """No name of a person, a room, a device or an event forges a record."""
    ada = await stage.person()
    wire = await ada.socket()
    for text in (ESCAPES, LINES, "a\u2028b", "a\x9bb"):
        body = {"username": text, "password": PASSWORD}
        for path in ("/api/auth/register", "/api/auth/login"):
            answer = await ada.http.post(path, json=body)
            assert (answer.status_code, field_of(answer)) == (422, "username")
        body = {"username": ada.username, "password": PASSWORD, "deviceName": text}
        answer = await ada.http.post("/api/auth/login", json=body)
        assert (answer.status_code, field_of(answer)) == (422, "deviceName")
        room = {"kind": "group", "name": text, "participants": ()}
        assert (await ada.ask("POST", "/rooms", room)).status_code == 422
        assert (await ada.ask("PATCH", "/users/me", {"displayName": text})).status_code == 422
        assert (await wire.ask(text, {}))["ok"] is False
        assert (await wire.ask("typing:start", {text: 1}))["ok"] is False
    assert_clean(stage)


async def test_secrets_in_the_log(stage: Stage) -> None:
    """No token, password, message or session id is in the log, however it went in."""
    ada, bob = await stage.people("ada", "bob")
    room = await ada.group(bob, name="A room for ada and bob")
    wire = await ada.socket()
    said = "what ada says to bob alone"
    await ada.send(room, said)
    await wire.ask("message:send", {"roomId": room, "content": said})
    await wire.ask("session:refresh", {"token": ada.token + "x"})
    await ada.http.post("/api/auth/login", json={"username": ada.username, "password": "wrong one"})
    await ada.http.post("/api/auth/refresh", json={"refreshToken": ada.refresh_token})
    await ada.http.get("/api/users/me", headers={"Authorization": "Bearer " + ada.token[:-3]})
    await ada.get("/search?query=what+ada+says")
    log = stage.log_text()
    for secret in (
        *(ada.token, ada.refresh_token, ada.token[:-3], ada.token.split(".")[2]),
        *(PASSWORD, "wrong one", said, "A room for ada", "what+ada", "what%20ada"),
        *(wire.opening["sid"], wire.ready["sessionId"]),
    ):
        assert secret not in log, secret


async def test_names_that_read_backwards(stage: Stage) -> None:
    """No mark that turns text around makes one name look like another."""
    ada = await stage.person()
    for mark in ("\u202e", "\u202d", "\u2066", "\u2067", "\u2069", "\u2028", "\x00", "\x7f"):
        name = f"Ada{mark}nimda"
        answer = await ada.ask("PATCH", "/users/me", {"displayName": name})
        assert (answer.status_code, field_of(answer)) == (422, "displayName")
        room = {"kind": "group", "name": name, "participants": ()}
        answer = await ada.ask("POST", "/rooms", room)
        assert (answer.status_code, field_of(answer)) == (422, "name")
    assert (await ada.done("GET", "/users/me"))["displayName"] == ada.username


async def test_names_that_cannot_be_seen(stage: Stage) -> None:
    """A name has something to see, and nothing in it that makes two of one."""
    ada = await stage.person()
    for name in (
        "\u200b",
        "\u2060\u2060",
        " \u200b ",
        "\ufeff",
        "Ada\u200b",
        "A\u2060da",
        "\u00ad",
    ):
        answer = await ada.ask("PATCH", "/users/me", {"displayName": name})
        assert (answer.status_code, field_of(answer)) == (422, "displayName"), name
        room = {"kind": "group", "name": name, "participants": ()}
        answer = await ada.ask("POST", "/rooms", room)
        assert (answer.status_code, field_of(answer)) == (422, "name"), name
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467 \u0645\u06cc\u200c\u062e\u0648"
    assert (await ada.done("PATCH", "/users/me", {"displayName": family}))["displayName"] == family


async def test_usernames_of_other_scripts(stage: Stage) -> None:
    """A username is plain: no letter of another script, and no capital, makes a second Ada."""
    ada = await stage.person()
    for name in (
        "\u0430" + ada.username[1:],
        ada.username.upper(),
        ada.username + "\u200d",
        ada.username.replace("a", "\uff41"),
        ada.username + " ",
        " " + ada.username,
        ada.username + "\n",
        "a\u0308da",
    ):
        answer = await ada.http.post(
            "/api/auth/register", json={"username": name, "password": PASSWORD}
        )
        assert (answer.status_code, field_of(answer)) == (422, "username"), name
    assert json.dumps(ada.username).isascii()
