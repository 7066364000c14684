from collections.abc import AsyncIterator

import httpx
import pytest

from tests.unit.entrypoints.toys import catalogue
from whatchat.entrypoints.asgi import http_application
from whatchat.entrypoints.pages import page_routes


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = http_application([], page_routes(catalogue(None)))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://pod"
    ) as client:
        yield client


async def test_the_playground_is_at_the_root(client: httpx.AsyncClient) -> None:
    response = await client.get("/")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    again = await client.get("/", headers={"If-None-Match": response.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "path", ["/__init__.py", "/../settings.py", "/%2e%2e/settings.py", "/nothing", "/x%00.js"]
)
async def test_nothing_else_of_the_package_is_served(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("path", "kind", "text"),
    [
        ("/docs", "text/html", "openapi.json"),
        ("/docs.js", "text/javascript", "openapi.json"),
        ("/openapi.json", "application/json", '"openapi": "3.1.0"'),
        ("/asyncapi.json", "application/json", '"asyncapi": "3.0.0"'),
    ],
)
async def test_the_documents_are_served(
    client: httpx.AsyncClient, path: str, kind: str, text: str
) -> None:
    response = await client.get(path)
    assert response.headers["content-type"].startswith(kind)
    assert text in response.text


async def test_a_page_may_load_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    policy = (await client.get("/")).headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert not any(place in policy for place in ("*", "http:", "https:", "ws:", "wss:"))


async def test_an_unchanged_page_keeps_its_policy(client: httpx.AsyncClient) -> None:
    page = await client.get("/")
    again = await client.get("/", headers={"If-None-Match": page.headers["etag"]})
    assert again.status_code == 304
    assert "content-security-policy" not in again.headers


async def test_what_is_no_page_is_nothing_to_a_browser(client: httpx.AsyncClient) -> None:
    policy = (await client.get("/openapi.json")).headers["content-security-policy"]
    assert policy == "default-src 'none'; frame-ancestors 'none'; sandbox"


async def test_other_methods_are_json_errors(client: httpx.AsyncClient) -> None:
    response = await client.post("/")
    assert (response.status_code, response.json()["error"]["code"]) == (405, "invalid")
