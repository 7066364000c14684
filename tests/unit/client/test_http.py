"""What REST shares with the connection beside it."""

from aiohttp import web
from aiohttp.test_utils import TestServer

from whatchat.client.http import Http

COOKIE = "e8a1|awMu/"
"""A pod and a date, as HAProxy writes them."""


async def _told(request: web.Request) -> web.Response:
    answer = web.json_response(request.headers.get("Cookie", ""))
    answer.headers["Set-Cookie"] = f"whatchat={COOKIE}; path=/"
    return answer


async def test_a_proxys_cookie_goes_back_as_it_came() -> None:
    app = web.Application()
    app.router.add_get("/api/", _told)
    async with TestServer(app) as server, Http(str(server.make_url(""))) as http:
        assert await http.exchange("GET", "/", str) == ""
        assert await http.exchange("GET", "/", str) == f"whatchat={COOKIE}"
