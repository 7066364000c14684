from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from whatchat.entrypoints.asgi import http_application

Logged = Callable[[], list[dict[str, Any]]]


async def broken(_request: Request) -> Response:
    raise ZeroDivisionError("inner workings")


async def abandoned(_request: Request) -> Response:
    raise ClientDisconnect


async def get(path: str) -> httpx.Response:
    app = http_application([], [Route("/broken", broken), Route("/abandoned", abandoned)])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://pod") as client:
        return await client.get(path)


async def test_what_breaks_outside_of_a_command_is_unavailable_and_logged_once(
    logged: Logged,
) -> None:
    response = await get("/broken")
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "unavailable"
    failure, line = logged()
    assert "ZeroDivisionError" in failure["exception"]
    assert (line["event"], line["status"]) == ("request", 503)


async def test_a_client_that_goes_is_no_failure(logged: Logged) -> None:
    with pytest.raises(AssertionError):  # the transport misses an answer, and so it should
        await get("/abandoned")
    [line] = logged()
    assert (line["event"], line["status"]) == ("request", 499)


async def test_a_long_path_is_logged_in_part(logged: Logged) -> None:
    await get("/" + "x" * 5000)
    [line] = logged()
    assert len(line["path"]) == 200
