import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from tests.unit.audit.stores import trail_into_memory
from tests.unit.entrypoints.toys import (
    TOKEN,
    DropToy,
    FindToys,
    GetToy,
    MakeToy,
    OneToken,
    PaintToy,
    ToyService,
    raising,
)
from whatchat.adapters.embedded.limiter import EmbeddedLimiter
from whatchat.domain.actor import Actor
from whatchat.domain.contract import Catalogue, Endpoint, Feature
from whatchat.domain.errors import (
    ChatError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from whatchat.domain.ids import RoomId
from whatchat.entrypoints import http
from whatchat.entrypoints.asgi import http_application
from whatchat.entrypoints.dispatch import Dispatch
from whatchat.entrypoints.errors import STATUS
from whatchat.entrypoints.http import Rest
from whatchat.entrypoints.limits import Limits
from whatchat.entrypoints.quotas import QUOTAS
from whatchat.observability.metrics import Metrics

Logged = Callable[[], list[dict[str, Any]]]


def error_of(response: httpx.Response) -> dict[str, Any]:
    body = response.json()
    assert list(body) == ["error"]
    error: dict[str, Any] = body["error"]
    assert isinstance(error["message"], str)
    assert isinstance(error["retryable"], bool)
    return error


async def test_what_is_created_is_201_and_200_on_a_retry(
    client: httpx.AsyncClient, service: ToyService
) -> None:
    created = await client.post("/api/toys", json={"content": "hello", "weight": 2})
    assert (created.status_code, created.headers["content-type"]) == (201, "application/json")
    assert created.json() == {"id": "toy", "content": "hello", "weight": 2.0}
    service.is_repeated = True
    assert (await client.post("/api/toys", json={"content": "hello"})).status_code == 200


async def test_path_query_and_body_become_one_command(
    client: httpx.AsyncClient, service: ToyService
) -> None:
    await client.put("/api/toys/t1/colour", json={"colour": "red"})
    await client.get("/api/toys", params={"query": "5", "limit": 3, "mine": "true"})
    await client.delete("/api/toys/t2")
    assert [command for _, command in service.heard] == [
        PaintToy(toy_id=RoomId("t1"), colour="red"),
        FindToys(query="5", limit=3, mine=True),
        DropToy(toy_id=RoomId("t2")),
    ]


async def test_what_answers_nothing_is_an_empty_object_or_204(client: httpx.AsyncClient) -> None:
    dropped = await client.delete("/api/toys/t1")
    assert (dropped.status_code, dropped.json()) == (200, {})
    greeted = await client.post("/api/greet")
    assert (greeted.status_code, greeted.content) == (204, b"")


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (Invalid, 422),
        (Unauthenticated, 401),
        (Forbidden, 403),
        (NotFound, 404),
        (Conflict, 409),
        (TooLarge, 413),
        (RateLimited, 429),
        (Unavailable, 503),
    ],
)
async def test_every_error_has_its_status_and_says_all_it_knows(
    client: httpx.AsyncClient, service: ToyService, kind: type[ChatError], status: int
) -> None:
    service.failure = raising(kind)
    response = await client.post("/api/toys", json={"content": "x"})
    assert response.status_code == status
    assert error_of(response) == {
        "code": kind.code,
        "message": "said so",
        "retryable": kind.retryable,
        "retryAfterMs": 1500,
        "field": "content",
        "reason": "because",
    }


def test_every_code_has_a_status() -> None:
    codes = {kind.code for kind in ChatError.__subclasses__()}
    assert codes <= STATUS.keys()
    assert STATUS["plaintext_refused"] == 422


async def test_429_says_when_to_come_back(client: httpx.AsyncClient, service: ToyService) -> None:
    service.failure = raising(RateLimited)
    response = await client.post("/api/toys", json={"content": "x"})
    assert response.headers["retry-after"] == "2"


async def test_the_unforeseen_tells_the_client_nothing(
    client: httpx.AsyncClient, service: ToyService
) -> None:
    service.failure = lambda: ZeroDivisionError("inner workings")
    response = await client.post("/api/toys", json={"content": "x"})
    assert response.status_code == 503
    assert "inner workings" not in response.text


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer é"]
)
async def test_without_a_good_token_it_is_always_the_same_401(
    client: httpx.AsyncClient, service: ToyService, header: str | None
) -> None:
    headers = [] if header is None else [(b"Authorization", header.encode("latin-1"))]
    del client.headers["Authorization"]
    response = await client.post("/api/toys", json={"content": "x"}, headers=headers)
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    assert error_of(response)["message"] == Unauthenticated.message
    assert service.heard == []


async def test_the_scheme_is_read_in_any_case(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/toys/t", headers={"Authorization": f"bearer {TOKEN}"})
    assert response.status_code == 200


async def test_what_is_public_asks_for_no_token(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/greet", headers={"Authorization": "Bearer stale"})
    assert response.status_code == 204


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"{", 400, None),
        (b"[" * 4000, 400, None),
        (b"\xff\xfe", 400, None),
        (b"[]", 422, None),
        (b"null", 422, None),
        (b"", 422, "content"),
        (b"{}", 422, "content"),
        (b'{"content": NaN}', 422, "content"),
        (b'{"content": "\\ud800"}', 422, "content"),
        (b'{"content": "\\u0000"}', 422, "content"),
        (b'{"content": {"$ne": 1}}', 422, "content"),
        (b'{"content": "x", "extra": 1}', 422, "extra"),
        (b'{"content": "x", "settings": {"maxParticipants": 1}}', 422, "settings.maxParticipants"),
        (b'{"content": "x", "participants": [1]}', 422, "participants"),
    ],
)
async def test_bad_bodies_change_nothing_and_name_the_field(
    client: httpx.AsyncClient, service: ToyService, body: bytes, status: int, field: str | None
) -> None:
    response = await client.post("/api/toys", content=body)
    assert response.status_code == status
    error = error_of(response)
    assert (error["code"], error.get("field")) == ("invalid", field)
    assert service.heard == []


@pytest.mark.parametrize(
    ("query", "field"), [("limit=0", "limit"), ("limit=x", "limit"), ("extra=1", "extra")]
)
async def test_bad_queries_name_the_field(
    client: httpx.AsyncClient, query: str, field: str
) -> None:
    response = await client.get(f"/api/toys?{query}")
    assert (response.status_code, error_of(response)["field"]) == (422, field)


async def test_no_source_overrides_another(client: httpx.AsyncClient) -> None:
    same = await client.put("/api/toys/t1/colour", json={"toyId": "t1", "colour": "red"})
    assert same.status_code == 200
    other = await client.put("/api/toys/t1/colour", json={"toyId": "t2", "colour": "red"})
    assert (other.status_code, error_of(other)["field"]) == (422, "toyId")
    twice = await client.get("/api/toys?limit=1&limit=2")
    assert (twice.status_code, error_of(twice)["field"]) == (422, "limit")


async def test_secrets_do_not_belong_in_the_address(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/greet?password=hush")
    assert (response.status_code, error_of(response)["field"]) == (422, "password")


@pytest.mark.parametrize("size", [4097, 100_000, 2_000_000])
async def test_a_body_over_the_limit_is_413(client: httpx.AsyncClient, size: int) -> None:
    response = await client.post("/api/toys", content=b" " * size)
    assert (response.status_code, error_of(response)["code"]) == (413, "too_large")


async def test_a_body_without_a_declared_length_is_capped_too(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield b" " * 4096

    response = await client.post("/api/toys", content=chunks())
    assert response.status_code == 413


async def test_a_body_of_exactly_the_limit_is_read(client: httpx.AsyncClient) -> None:
    body = json.dumps({"content": "x"}).encode().ljust(4096)
    assert (await client.post("/api/toys", content=body)).status_code == 201


async def test_unknown_paths_and_methods_are_json_errors(client: httpx.AsyncClient) -> None:
    unknown = await client.get("/api/nothing")
    assert (unknown.status_code, error_of(unknown)["code"]) == (404, "not_found")
    assert (await client.get("/api/toys/")).status_code == 404
    wrong = await client.patch("/api/toys/t1")
    assert wrong.status_code == 405
    assert wrong.headers["allow"] == "DELETE, GET, HEAD"
    assert error_of(wrong)["code"] == "invalid"


async def test_answers_of_a_kibibyte_are_compressed_if_accepted(client: httpx.AsyncClient) -> None:
    small = await client.get("/api/toys?limit=1")
    assert "content-encoding" not in small.headers
    large = await client.get("/api/toys?limit=100")
    assert large.headers["content-encoding"] == "gzip"
    assert len(large.json()["toys"]) == 100
    plain = await client.get("/api/toys?limit=100", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers


async def test_every_answer_is_traced_and_safe(client: httpx.AsyncClient) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    for path in ("/api/toys", "/api/nothing"):
        response = await client.get(path, headers={"traceparent": parent})
        headers = response.headers
        assert headers["x-trace-id"] == "0af7651916cd43dd8448eb211c80319c"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cache-control"] == "no-store"


async def test_only_listed_origins_may_read_the_answers(client: httpx.AsyncClient) -> None:
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "traceparent",
    }
    good = await client.options("/api/toys", headers={"Origin": "https://app.example", **asked})
    assert good.headers["access-control-allow-origin"] == "https://app.example"
    bad = await client.options("/api/toys", headers={"Origin": "https://evil.example", **asked})
    assert "access-control-allow-origin" not in bad.headers
    assert good.headers["access-control-max-age"] == "600"
    for answer in (good, await client.get("/api/toys", headers={"Origin": "https://app.example"})):
        assert "access-control-allow-credentials" not in answer.headers
        assert "Origin" in answer.headers["vary"].split(", ")


async def test_the_log_has_the_route_and_not_the_path(
    client: httpx.AsyncClient, logged: Logged
) -> None:
    await client.delete("/api/toys/a-secret-id")
    await client.get("/api/nothing/a-secret-id")
    written = [line["path"] for line in logged() if line["event"] == "request"]
    assert written == ["/api/toys/{toyId}", "/api/*"]


async def test_one_line_for_the_request_and_one_for_the_command(
    client: httpx.AsyncClient, logged: Logged
) -> None:
    await client.post("/api/toys", json={"content": "hush"})
    command, request = logged()
    assert (command["event"], command["command"]) == ("command", "MakeToy")
    assert (request["event"], request["status"]) == ("request", 201)
    assert (request["method"], request["path"]) == ("POST", "/api/toys")
    assert command["trace_id"] == request["trace_id"]


async def test_no_secret_reaches_the_log(
    client: httpx.AsyncClient, service: ToyService, logged: Logged
) -> None:
    await client.post("/api/toys", json={"content": "hush-content"})
    await client.post("/api/toys", json={"content": 5, "hush-field": "hush-value"})
    await client.post("/api/greet", json={"password": "hush-password"})
    await client.get("/api/toys?query=hush-query")
    await client.post("/api/greet?password=hush-query")
    await client.post("/api/toys", content=b'{"content": "hush-broken')
    service.failure = lambda: ZeroDivisionError("a bug")
    await client.post("/api/toys", json={"content": "hush-content"})
    written = json.dumps(logged())
    assert "hush" not in written
    assert TOKEN not in written


async def test_the_command_carries_no_more_than_it_should(
    client: httpx.AsyncClient, service: ToyService
) -> None:
    await client.post("/api/toys", json={"content": "x"})
    [(caller, command)] = service.heard
    assert isinstance(command, MakeToy)
    assert caller.address == "127.0.0.1"


@pytest.mark.parametrize("route", ["GET /toys", "GET /api/toys/{toy_id}", "GET /api/toys/{other}"])
def test_a_route_that_its_command_does_not_fit_is_refused_at_once(
    dispatch: Dispatch, route: str
) -> None:
    row = Endpoint(DropToy, ToyService.drop, http=route)
    rest = Rest(dispatch, OneToken(), max_body_bytes=1)
    with pytest.raises(ValueError, match="is not a route for DropToy"):
        rest.routes(Catalogue([Feature(ToyService(), (row,))]))


async def test_fixed_paths_win_over_templates(dispatch: Dispatch) -> None:
    rows = (
        Endpoint(GetToy, ToyService.get, http="GET /api/toys/{toyId}"),
        Endpoint(FindToys, ToyService.find, http="GET /api/toys/all"),
    )
    routes = Rest(dispatch, OneToken(), max_body_bytes=1).routes(
        Catalogue([Feature(ToyService(), rows)])
    )
    assert [route.path for route in routes] == ["/toys/all", "/toys/{toyId}"]


async def test_what_cannot_be_read_costs_as_much_as_what_can(
    toys: Catalogue, metrics: Metrics
) -> None:
    limits = Limits(EmbeddedLimiter(lambda: 1.0), metrics, trail_into_memory())
    rest = Rest(Dispatch(metrics, limits), OneToken(), max_body_bytes=4096)
    app = http_application(rest.routes(toys), [])
    transport = httpx.ASGITransport(app)
    signed_in = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://pod") as client:
        for path, headers in (("/api/toys", signed_in), ("/api/greet", {})):
            burst = QUOTAS["command"].burst
            answers = [
                (await client.post(path, content=b"{", headers=headers)).status_code
                for _ in range(burst + 1)
            ]
            assert answers == [400] * burst + [429]


async def test_a_token_that_is_void_by_the_time_the_body_is_there_is_refused(
    toys: Catalogue, dispatch: Dispatch, service: ToyService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "BELIEVED_SECONDS", 0.01)
    revocable = Revocable()
    rest = Rest(dispatch, revocable, max_body_bytes=4096)
    transport = httpx.ASGITransport(http_application(rest.routes(toys), []))

    async def body(*, revoked: bool) -> AsyncIterator[bytes]:
        yield b'{"content":'
        await asyncio.sleep(0.02)
        revocable.revoked = revoked
        yield b'"x"}'

    async with httpx.AsyncClient(
        transport=transport, base_url="http://pod", headers={"Authorization": f"Bearer {TOKEN}"}
    ) as client:
        for revoked, status in ((False, 201), (True, 401)):
            answer = await client.post("/api/toys", content=body(revoked=revoked))
            assert answer.status_code == status
    assert len(service.heard) == 1


class Revocable(OneToken):
    """Knows its token until it is revoked."""

    revoked = False

    async def authenticate(self, token: str, address: str) -> Actor:
        if self.revoked:
            raise Unauthenticated
        return await super().authenticate(token, address)
