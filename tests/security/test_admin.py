"""The operators' entrance, tried by everybody else."""

from typing import Any, Final

from tests.security.person import code_of
from tests.security.stage import Node, Stage
from whatchat.administration import documented_operations

TOKEN: Final = "the token of those who run the server"
READ_TOKEN: Final = "the token of those who only look"
NOBODY: Final = "A" * 22


async def desk(stage: Stage, **settings: Any) -> Node:
    """A pod with an admin API on its main port, which only this machine reaches."""
    tokens: dict[str, Any] = {"admin_token": TOKEN, "admin_read_token": READ_TOKEN}
    return await stage.another(is_local=True, **tokens, **settings)


def requests() -> list[tuple[str, str, str]]:
    """Method, path and scope of every row."""
    return [
        (method, path.replace("{", "").replace("}", ""), str(row.scope))
        for row in (one.row for one in documented_operations())
        for method, path in [str(row.http).split(" ")]
    ]


async def test_admin_without_a_token(stage: Stage) -> None:
    """No call is answered without the operators' token, nor told whether it would exist."""
    node = await desk(stage)
    assert len(requests()) > 10
    for method, path, _ in requests():
        for headers in ({}, {"Authorization": "Bearer"}, {"Authorization": f"Basic {TOKEN}"}):
            answer = await node.http.request(method, path, headers=headers)
            assert (answer.status_code, code_of(answer)) == (401, "unauthenticated"), path


async def test_admin_with_the_token_of_a_user(stage: Stage) -> None:
    """Who may use the chat may not run it."""
    ada = await stage.person()
    node = await desk(stage)
    for method, path, _ in requests():
        for token in (ada.token, ada.refresh_token, TOKEN[:-1], TOKEN + "x", TOKEN.upper()):
            headers = {"Authorization": f"Bearer {token}"}
            answer = await node.http.request(method, path, headers=headers)
            assert (answer.status_code, code_of(answer)) == (401, "unauthenticated"), path
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert (await node.http.get("/admin/pod", headers=headers)).status_code == 200


async def test_admin_with_the_token_to_look(stage: Stage) -> None:
    """Who only looks changes nothing, whatever the call."""
    ada = await stage.person()
    node = await desk(stage)
    headers = {"Authorization": f"Bearer {READ_TOKEN}"}
    changing = [(method, path) for method, path, scope in requests() if scope == "write"]
    assert len(changing) >= 6
    for method, path in changing:
        of_ada = path.replace("userId", ada.id)
        answer = await node.http.request(method, of_ada, headers=headers)
        assert (answer.status_code, code_of(answer)) == (403, "forbidden"), path
    assert (await ada.get("/users/me")).status_code == 200
    assert (await node.http.get("/livez")).status_code == 200


async def test_operators_token_for_the_chat(stage: Stage) -> None:
    """The operators' token is nobody's: it opens no account and no socket."""
    node = await desk(stage)
    for token in (TOKEN, READ_TOKEN):
        headers = {"Authorization": f"Bearer {token}"}
        answer = await node.http.get("/api/users/me", headers=headers)
        assert answer.status_code == 401
        assert (await stage.socket(token, node)).refusal["data"]["code"] == "unauthenticated"


async def test_admin_where_everybody_can_reach_it(stage: Stage) -> None:
    """On a port that is not of this machine alone there is no admin API, token or not."""
    node = await stage.another(admin_token=TOKEN)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    for path in ("/admin/users", "/admin/pod", "/admin", "/ADMIN/users", "/api/admin/users"):
        answer = await node.http.get(path, headers=headers)
        assert (answer.status_code, code_of(answer)) == (404, "not_found"), path
    assert (await node.http.get("//admin/users", headers=headers)).status_code == 404
    forwarded = headers | {"X-Forwarded-For": "127.0.0.1", "Host": "localhost"}
    assert (await node.http.get("/admin/users", headers=forwarded)).status_code == 404


async def test_admin_without_being_set_up(stage: Stage) -> None:
    """Where no token is set there is no token that fits: not the empty one either."""
    node = await stage.another(is_local=True)
    for token in ("None", "null", "x"):
        headers = {"Authorization": f"Bearer {token}"}
        answer = await node.http.get("/admin/users", headers=headers)
        assert answer.status_code == 404


async def test_guessing_the_operators_token(stage: Stage) -> None:
    """Guesses are limited, and a good token is no use to a network that has guessed too much."""
    node = await desk(stage, rate_limits="on")
    statuses = []
    for number in range(30):
        headers = {"Authorization": f"Bearer guess {number}"}
        statuses.append((await node.http.get("/admin/pod", headers=headers)).status_code)
    assert statuses[0] == 401
    assert statuses[-1] == 429
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert (await node.http.get("/admin/pod", headers=headers)).status_code == 429


async def test_operators_token_in_the_log(stage: Stage) -> None:
    """No token of an operator is in the log or in an answer, good or nearly good."""
    node = await desk(stage)
    for token in (TOKEN, READ_TOKEN, TOKEN[:-1]):
        headers = {"Authorization": f"Bearer {token}"}
        answer = await node.http.get("/admin/pod", headers=headers)
        answer = await node.http.get(f"/admin/users?token={token}", headers=headers)
        assert token not in answer.text
    assert TOKEN[:-1] not in stage.log_text()
    assert READ_TOKEN not in stage.log_text()


async def test_messages_for_operators(stage: Stage) -> None:
    """Operators see who is there and when, and never what was said."""
    ada = await stage.person()
    room = await ada.group()
    message = await ada.send(room, "between us")
    node = await desk(stage)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    for path in ("/admin/rooms", f"/admin/rooms/{room}", f"/admin/users/{ada.id}", "/admin/users"):
        answer = await node.http.get(path, headers=headers)
        assert answer.status_code == 200, path
        assert "between us" not in answer.text
        assert "argon2" not in answer.text
    assert (
        await node.http.get(f"/admin/messages/{message['id']}", headers=headers)
    ).status_code in {
        404,
        405,
    }
