"""The catalogue's rows as REST routes."""

import re
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Final, Literal, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from whatchat.domain.actor import Actor, Caller, Operator, Visitor
from whatchat.domain.contract import BoundEndpoint, Catalogue, Endpoint, Outcome
from whatchat.domain.errors import ChatError, ErrorCode, Unauthenticated, Unavailable
from whatchat.entrypoints.address import TrustedProxies, client_address
from whatchat.entrypoints.arguments import QUERY_METHODS, request_fields
from whatchat.entrypoints.dispatch import Dispatch
from whatchat.entrypoints.errors import error_response

API = "/api"
ADMIN = "/admin"
DEBUG = "/debug"

BELIEVED_SECONDS: Final = 1.0
"""A request that takes longer to arrive has its token looked at again: it may be void by then."""

Outcomes = Literal["ok"] | ErrorCode

_PARAMETER = re.compile(r"{(\w+)}")


class Authentication(Protocol):
    """Knows people or operators by their tokens."""

    async def authenticate(self, token: str, address: str) -> Actor | Operator:
        """Who a token speaks for; ``Unauthenticated`` for any that is not good."""
        ...


class Witness(Protocol):
    """Is told of each call before it is answered; what it raises is the answer."""

    async def __call__(
        self, row: Endpoint, caller: Caller, named: Mapping[str, str], outcome: Outcomes
    ) -> None:
        """``named`` is what the path says, and the query: that as it came, read by nobody yet."""
        ...


class Rest:
    """Serves every row that has an HTTP route."""

    def __init__(
        self,
        dispatch: Dispatch,
        authenticator: Authentication,
        *,
        max_body_bytes: int,
        trusted_proxies: TrustedProxies = (),
        witness: Witness | None = None,
    ) -> None:
        self._dispatch = dispatch
        self._authenticator = authenticator
        self._max_body_bytes = max_body_bytes
        self._trusted_proxies = trusted_proxies
        self._witness = witness

    def routes(self, catalogue: Catalogue) -> list[Route]:
        """The routes below their prefix, those without parameters before those that would match."""
        routes = [self._route(endpoint) for endpoint in catalogue.by_http.values()]
        return sorted(routes, key=lambda route: _PARAMETER.sub("~", route.path))

    def _route(self, endpoint: BoundEndpoint) -> Route:
        method, path = split_route(endpoint.row)
        below = path.removeprefix(prefix_of(endpoint.row))
        return Route(below, self._handler(endpoint), methods=[method])

    def _handler(self, endpoint: BoundEndpoint) -> Callable[[Request], Awaitable[Response]]:
        _, template = split_route(endpoint.row)

        async def handle(request: Request) -> Response:
            request.state.route = template
            try:
                answer = await self._answer(endpoint, request)
            except ChatError as error:
                return error_response(error)
            return _success(endpoint.row, answer)

        return handle

    async def _answer(self, endpoint: BoundEndpoint, request: Request) -> object:
        address = client_address(request.scope, self._trusted_proxies)
        caller: Caller = Visitor(address=address)
        outcome: Outcomes = Unavailable.code
        try:
            if not endpoint.row.public:
                caller = await self._authenticator.authenticate(_token(request), address)
            begun = monotonic()
            fields = await self._fields(request, caller)
            if not endpoint.row.public and monotonic() - begun > BELIEVED_SECONDS:
                caller = await self._authenticator.authenticate(_token(request), address)
            lax = request.method in QUERY_METHODS
            answer = await self._dispatch.submit(endpoint, caller, fields, via="http", lax=lax)
            outcome = "ok"
        except ChatError as error:
            outcome = error.code
            raise
        finally:
            if self._witness is not None:
                named = {**request.query_params, **request.path_params}
                await self._witness(endpoint.row, caller, named, outcome)
        return answer

    async def _fields(self, request: Request, caller: Caller) -> Mapping[str, object]:
        """What is asked for; what cannot be read at all costs as much as what can."""
        try:
            return await request_fields(request, self._max_body_bytes)
        except ChatError as refusal:
            await self._dispatch.refuse(caller, refusal, via="http")


def _token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated
    return token.strip()


def prefix_of(row: Endpoint) -> str:
    """What a row's route begins with: operators' own are apart."""
    if row.scope is None:
        return API
    return DEBUG if f" {DEBUG}/" in (row.http or "") else ADMIN


def split_route(row: Endpoint) -> tuple[str, str]:
    """Method and path of a row. Raises ``ValueError`` if it names what the command lacks."""
    method, _, path = (row.http or "").partition(" ")
    wire_names = {field.encode_name for field in msgspec.structs.fields(row.command)}
    if not path.startswith(f"{prefix_of(row)}/") or not wire_names.issuperset(
        path_parameters(path)
    ):
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
