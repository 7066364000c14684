"""Finding out what is there from how it is refused."""

from typing import Any

import httpx

from tests.security.person import PASSWORD, code_of
from tests.security.stage import Stage
from whatchat.features.accounts.passwords import PasswordHasher

UNKNOWN = "A" * 22


def seen(answer: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    """All of an answer that could give something away."""
    told = {"date", "x-trace-id"}
    headers = [(name, value) for name, value in answer.headers.items() if name not in told]
    return answer.status_code, answer.content, headers


async def test_usernames_by_signing_in(stage: Stage) -> None:
    """A wrong password and a wrong name are answered alike, to the byte."""
    ada = await stage.person()
    answers = []
    for username in (ada.username, "nobody-of-that-name", ada.username[:-1]):
        body = {"username": username, "password": "not the password"}
        answers.append(seen(await ada.http.post("/api/auth/login", json=body)))
    assert answers[0][0] == 401
    assert answers == [answers[0]] * 3


async def test_usernames_by_the_time_of_signing_in(stage: Stage) -> None:
    """A name that is not there costs as much as a wrong password: one whole hash."""
    ada = await stage.person()
    checked: list[bool] = []
    matches = PasswordHasher._matches

    def noted(hasher: Any, password: str, password_hash: str) -> bool:
        checked.append(password_hash.startswith("$argon2id$"))
        return matches(hasher, password, password_hash)

    stage.patch.setattr(PasswordHasher, "_matches", noted)
    costs = []
    for username in (ada.username, "nobody-of-that-name"):
        checked.clear()
        body = {"username": username, "password": "not the password"}
        assert (await ada.http.post("/api/auth/login", json=body)).status_code == 401
        costs.append(list(checked))
    assert costs == [[True], [True]]


async def test_rooms_by_their_ids(stage: Stage) -> None:
    """A private room of others and one that never was are answered alike, to the byte."""
    ada, eve = await stage.people("ada", "eve")
    room = await ada.group(name="Secret")
    wire = await eve.socket()
    for method, path, body in (
        ("GET", "/rooms/{}", None),
        ("GET", "/messages/{}", None),
        ("GET", "/rooms/{}/members", None),
        ("POST", "/rooms/{}/join", None),
        ("POST", "/rooms/{}/read", {"seq": 1}),
        ("PUT", "/rooms/{}", {"name": "Mine"}),
        ("GET", "/search?query=a&roomId={}", None),
    ):
        real = await eve.ask(method, path.format(room), body)
        unreal = await eve.ask(method, path.format(UNKNOWN), body)
        assert seen(real) == seen(unreal), path
        assert real.status_code == 404
    for event in ("typing:start", "room:join", "room:leave"):
        acks = [await wire.ask(event, {"roomId": one}) for one in (room, UNKNOWN)]
        assert acks[0] == acks[1], event


async def test_messages_by_their_ids(stage: Stage) -> None:
    """A message of others and one that never was are answered alike, to the byte."""
    ada, eve = await stage.people("ada", "eve")
    room = await ada.group()
    message = (await ada.send(room, "private"))["id"]
    never = [message[:-1] + ("A" if message[-1] != "A" else "B"), "A" * len(message)]
    for method, path, body in (
        ("PATCH", "/messages/{}", {"content": "mine"}),
        ("DELETE", "/messages/{}", None),
        ("PUT", "/messages/{}/reactions/%F0%9F%91%8D", None),
    ):
        real = await eve.ask(method, path.format(message), body)
        assert real.status_code == 404
        for one in never:
            assert seen(await eve.ask(method, path.format(one), body)) == seen(real), path


async def test_devices_by_their_ids(stage: Stage) -> None:
    """A device of somebody else and one that never was are answered alike, and stay as they are."""
    ada, eve = await stage.people("ada", "eve")
    wire = await ada.socket()
    real = await eve.ask("DELETE", f"/devices/{ada.device_id}")
    assert (real.status_code, code_of(real)) == (404, "not_found")
    assert seen(real) == seen(await eve.ask("DELETE", f"/devices/{UNKNOWN}"))
    await wire.settled()
    assert (await ada.get("/users/me")).status_code == 200


async def test_people_by_their_presence(stage: Stage) -> None:
    """Somebody who does not show to strangers looks to them like nobody at all."""
    ada, eve = await stage.people("ada", "eve")
    await ada.done("PATCH", "/users/me", {"presence": "nobody"})
    await ada.socket()
    wire = await eve.socket()
    ack = await wire.ask("presence:get", {"userIds": [ada.id, UNKNOWN]})
    statuses = [{"userId": one, "status": "offline"} for one in (ada.id, UNKNOWN)]
    assert [one for one in statuses if one not in ack["data"]["users"]] in ([], statuses[1:])
    assert ada.id not in (await eve.get("/users/online")).text


async def test_passwords_of_a_signed_in_session(stage: Stage) -> None:
    """A stolen token does not become a new password without the old one."""
    ada = await stage.person()
    body = {"currentPassword": "not the password", "newPassword": "another horse, other staple"}
    answer = await ada.ask("POST", "/auth/password", body)
    assert (answer.status_code, code_of(answer)) == (403, "forbidden")
    login = {"username": ada.username, "password": PASSWORD}
    assert (await ada.http.post("/api/auth/login", json=login)).status_code == 200


async def test_fields_of_accounts_in_answers_about_people(stage: Stage) -> None:
    """Of other people one sees a name and nothing that their account consists of."""
    ada, eve = await stage.people("ada", "eve")
    await ada.group(eve)
    wire = await eve.socket()
    shown = {"id": ada.id, "username": ada.username, "displayName": ada.username}
    assert await eve.done("GET", f"/users/{ada.id}") == shown
    assert (await eve.done("GET", f"/users?query={ada.username}"))["users"] == [shown]
    said = (await eve.get("/rooms")).text + wire.said()
    for secret in ("argon2", "password", "presence", ada.device_id, "address", "127.0.0.1"):
        assert secret not in said, secret
