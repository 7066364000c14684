"""Text that somebody else might run."""

from typing import Any, Final
from urllib.parse import urlencode

from tests.security.commands import (
    ask,
    ask_socket,
    by_query,
    filled,
    ids_of,
    in_path,
    rows,
    strings,
)
from tests.security.person import PASSWORD, code_of, field_of
from tests.security.stage import Stage

OPERATORS: Final[tuple[Any, ...]] = (
    {"$gt": ""},
    {"$ne": None},
    {"$where": "sleep(9)"},
    ["a"],
    None,
)
QUOTES: Final = (
    "' OR '1'='1",
    "'; DROP TABLE accounts; --",
    '" OR ""="',
    "x') UNION SELECT username FROM accounts --",
    "*) OR (content:*",
    "\\'; --",
)


async def test_operators_in_place_of_text(stage: Stage) -> None:
    """Where a command takes text, an object is no text: no operator ever reaches a query."""
    ada = await stage.person()
    wire = await ada.socket()
    room = await ada.group()
    message = await ada.send(room, "hi")
    ids = ids_of(room, message["id"], ada.id)
    for row in rows():
        for name in strings(row, ids):
            over_rest = not by_query(row) and name not in in_path(row)
            for number, operator in enumerate(OPERATORS):
                fields = filled(row, ids) | {name: operator}
                every_way = ask if over_rest and number == 0 else ask_socket
                for refused in await every_way(ada, wire, row, fields):
                    assert refused.status in {None, 422}, refused
                    assert (refused.code, refused.field) == ("invalid", name), refused
    assert await ada.history(room) == ["hi"]


async def test_operators_in_a_query(stage: Stage) -> None:
    """What some frameworks make objects of is here a name that nobody knows."""
    ada = await stage.person()
    for path in ("/users", "/search", "/rooms"):
        for name in ("query[$gt]", "query[$regex]", "query[]", "$where", "query.$ne"):
            answer = await ada.get(f"{path}?{name}=x&query=a")
            error = answer.json()["error"]
            assert (answer.status_code, error["code"], error["field"]) == (422, "invalid", name)


async def test_operators_for_a_password(stage: Stage) -> None:
    """Nobody signs in with a condition that every password meets."""
    ada = await stage.person()
    for password in ({"$gt": ""}, {"$ne": None}, {"$regex": ".*"}, True, 1, [PASSWORD], None):
        body = {"username": ada.username, "password": password}
        answer = await ada.http.post("/api/auth/login", json=body)
        assert (answer.status_code, field_of(answer)) == (422, "password")
        body = {"username": {"$gt": ""}, "password": PASSWORD}
        answer = await ada.http.post("/api/auth/login", json=body)
        assert (answer.status_code, field_of(answer)) == (422, "username")


async def test_quotes_in_searches(stage: Stage) -> None:
    """What is searched for is data: it finds itself, and nothing else."""
    ada, bob = await stage.people("ada", "bob")
    room = await ada.group()
    await ada.send(room, "nothing special")
    for text in QUOTES:
        for path in ("/users?", "/rooms?scope=public&", "/search?"):
            answer = await ada.get(path + urlencode({"query": text}))
            assert answer.status_code in {200, 422}, answer.text
            found = answer.json()
            assert not any(found.get(name) for name in ("users", "rooms", "messages")), (path, text)
    message = await ada.send(room, QUOTES[1])
    assert message["content"] == QUOTES[1]
    assert (await bob.get("/users/me")).status_code == 200
    assert len(await ada.history(room)) == 2


async def test_quotes_in_ids(stage: Stage) -> None:
    """An id is of few letters: what could leave a query is no id, and is not looked up."""
    ada = await stage.person()
    for text in (*QUOTES, "../../etc/passwd", "%00", "a" * 33, "$ne", "{}", "\u0430da"):
        quoted = urlencode({"x": text})[2:]
        for path in (f"/rooms/{quoted}", f"/messages/{quoted}", f"/users/{quoted}"):
            answer = await ada.get(path.replace("+", "%20"))
            assert answer.status_code in {404, 422}, (path, answer.text)
            assert code_of(answer) in {"invalid", "not_found"}


async def test_wildcards_in_searches(stage: Stage) -> None:
    """A wildcard is a character like any other: it does not list everybody."""
    ada, bob = await stage.people("ada", "bob")
    await bob.done("PATCH", "/users/me", {"displayName": "50% off"})
    await bob.group(public=True, name="100% public")
    for text in ("%", "_", "%%", "b%", "__", "*", ".*", "[a-z]", "\\", "?"):
        found = (await ada.done("GET", "/users?" + urlencode({"query": text})))["users"]
        names = [one["username"] for one in found]
        assert names == ([bob.username] if text == "%" else []), text
        rooms = (await ada.done("GET", "/rooms?scope=public&" + urlencode({"query": text})))[
            "rooms"
        ]
        assert [one["name"] for one in rooms] == (["100% public"] if text == "%" else []), text


async def test_pattern_that_takes_for_ever(stage: Stage) -> None:
    """No text of a caller is run as a pattern."""
    ada = await stage.person()
    room = await ada.group()
    await ada.send(room, "a" * 5_000 + "!")
    for text in ("(a+)+$", "(a|aa)+$", "^(([a-z])+.)+[A-Z]([a-z])+$"):
        found = await ada.done("GET", "/search?" + urlencode({"query": text}))
        assert found["messages"] == []


async def test_templates_and_formats(stage: Stage) -> None:
    """What other programs would fill in comes back as it was."""
    ada = await stage.person()
    room = await ada.group()
    for text in (
        "{0.__class__}",
        "%s%n",
        "{{7*7}}",
        "${7*7}",
        "$(id)",
        "`id`",
        "<script>x</script>",
    ):
        assert (await ada.send(room, text))["content"] == text
