"""The catalogue's rows as REST routes."""

import re
from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from whatchat.domain.actor import Actor, Visitor
from whatchat.domain.contract import BoundEndpoint, Catalogue, Endpoint, Outcome
from whatchat.domain.errors import ChatError, Unauthenticated
from whatchat.domain.ports.authenticator import Authenticator
from whatchat.entrypoints.address import TrustedProxies, client_address
from whatchat.entrypoints.arguments import QUERY_METHODS, request_fields
from whatchat.entrypoints.dispatch import Dispatch
from whatchat.entrypoints.errors import error_response

API = "/api"

_PARAMETER = re.compile(r"{(\w+)}")


class Rest:
    """Serves every row that has an HTTP route."""

    def __init__(
        self,
        dispatch: Dispatch,
        authenticator: Authenticator,
        *,
        max_body_bytes: int,
        trusted_proxies: TrustedProxies = (),
    ) -> None:
        self._dispatch = dispatch
        self._authenticator = authenticator
        self._max_body_bytes = max_body_bytes
        self._trusted_proxies = trusted_proxies

    def routes(self, catalogue: Catalogue) -> list[Route]:
        """The routes below ``/api``, those without parameters before those that would match."""
        routes = [self._route(endpoint) for endpoint in catalogue.by_http.values()]
        return sorted(routes, key=lambda route: _PARAMETER.sub("~", route.path))

    def _route(self, endpoint: BoundEndpoint) -> Route:
        method, path = split_route(endpoint.row)
        return Route(path.removeprefix(API), self._handler(endpoint), methods=[method])

    def _handler(self, endpoint: BoundEndpoint) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            try:
                caller = await self._caller(endpoint.row, request)
                fields = await request_fields(request, self._max_body_bytes)
                lax = request.method in QUERY_METHODS
                answer = await self._dispatch.submit(endpoint, caller, fields, via="http", lax=lax)
            except ChatError as error:
                return error_response(error)
            return _success(endpoint.row, answer)

        return handle

    async def _caller(self, row: Endpoint, request: Request) -> Actor | Visitor:
        address = client_address(request.scope, self._trusted_proxies)
        if row.public:
            return Visitor(address=address)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Unauthenticated
        return await self._authenticator.authenticate(token.strip(), address)


def split_route(row: Endpoint) -> tuple[str, str]:
    """Method and path of a row. Raises ``ValueError`` if it names what the command lacks."""
    method, _, path = (row.http or "").partition(" ")
    wire_names = {field.encode_name for field in msgspec.structs.fields(row.command)}
    if not path.startswith(f"{API}/") or not wire_names.issuperset(path_parameters(path)):
        raise ValueError(f"{row.http!r} is not a route for {row.command.__name__}")
    return method, path


def path_parameters(path: str) -> list[str]:
    """The wire names in a path template."""
    return _PARAMETER.findall(path)


def _success(row: Endpoint, answer: object) -> Response:
    status = row.status
    if isinstance(answer, Outcome):
        status = 200 if status == 201 and not answer.created else status
        answer = answer.value
    if status == 204:
        return Response(status_code=204)
    content = msgspec.json.encode({} if answer is None else answer)
    return Response(content, status, media_type="application/json")
