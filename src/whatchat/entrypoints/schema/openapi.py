"""OpenAPI 3.1 from the catalogue."""

from http import HTTPStatus

from whatchat import __version__
from whatchat.domain.contract import Catalogue, Endpoint
from whatchat.domain.errors import ChatError
from whatchat.entrypoints.arguments import QUERY_METHODS
from whatchat.entrypoints.errors import ErrorAnswer
from whatchat.entrypoints.http import path_parameters, split_route
from whatchat.entrypoints.schema.components import (
    Components,
    Json,
    answer_type,
    description_of,
    summary_of,
)
from whatchat.entrypoints.schema.error_table import error_rows, error_table

BEARER = "accessToken"

DESCRIPTION = f"""\
A privacy-first, real-time chat backend. Real time itself is Socket.IO: see `/asyncapi.json`.

Times are RFC 3339 in UTC with milliseconds, ids are opaque. Unknown fields of a request are
refused; clients ignore unknown fields of an answer. Every error is
`{{"error": {{"code", "message", "retryable", "retryAfterMs"?, "field"?, "reason"?}}}}`:

{error_table()}

`unavailable` leaves the outcome open: repeat with the same `clientId`."""


OPERATOR = "adminToken"

ADMIN_DESCRIPTION = f"""\
What those who run a server may see and do: on `WHATCHAT_INTERNAL_PORT`, or on the main port if
that is 0 and only the machine itself reaches it. The bearer token is `WHATCHAT_ADMIN_TOKEN`, or
`WHATCHAT_ADMIN_READ_TOKEN` where the scope `read` is enough. Nothing that people wrote to each
other is shown here. Every call is recorded in the audit log before it is answered; the same
question below `/debug` once an hour, as dashboards repeat it every few seconds.

What is below `/debug` is of this moment: any pod answers for all, from what they have in memory,
within two seconds. `missing` names the pods that did not answer in time.

Conventions and errors are those of the public API:

{error_table()}"""


def openapi(catalogue: Catalogue) -> Json:
    """The document; the same catalogue always gives the same."""
    bearer = {BEARER: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    return _document(catalogue, "Whatchat", DESCRIPTION, bearer)


def admin_openapi(catalogue: Catalogue) -> Json:
    """The same of what operators may ask; the security of a row names its scope."""
    bearer = {OPERATOR: {"type": "http", "scheme": "bearer"}}
    return _document(catalogue, "Whatchat for operators", ADMIN_DESCRIPTION, bearer)


def _document(catalogue: Catalogue, title: str, description: str, schemes: Json) -> Json:
    components = Components(catalogue)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": __version__,
            "description": description,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": _paths(catalogue, components),
        "components": {
            "securitySchemes": schemes,
            "responses": _error_responses(components),
            "schemas": components.schemas,
        },
    }


def _paths(catalogue: Catalogue, components: Components) -> Json:
    paths: Json = {}
    for endpoint in catalogue.by_http.values():
        method, path = split_route(endpoint.row)
        paths.setdefault(path, {})[method.lower()] = _operation(endpoint.row, components)
    return {path: paths[path] for path in sorted(paths)}


def _operation(row: Endpoint, components: Components) -> Json:
    method, path = split_route(row)
    name = row.command.__name__
    operation: Json = {
        "operationId": name[0].lower() + name[1:],
        "summary": summary_of(row.command),
        "description": description_of(row.command),
        "tags": [path.split("/")[2]],
        "security": _security(row),
    }
    if parameters := _parameters(row, components):
        operation["parameters"] = parameters
    if method not in QUERY_METHODS and (body := _body(row, components)):
        operation["requestBody"] = body
    operation["responses"] = _responses(row, components)
    return operation


def _security(row: Endpoint) -> list[Json]:
    if row.scope:
        return [{OPERATOR: [row.scope]}]
    return [] if row.public else [{BEARER: []}]


def _parameters(row: Endpoint, components: Components) -> list[Json]:
    method, path = split_route(row)
    in_path = path_parameters(path)
    schema = components.definition(row.command)
    in_query = [name for name in schema["properties"] if name not in in_path]
    places = [(name, "path") for name in in_path]
    places += [(name, "query") for name in in_query if method in QUERY_METHODS]
    return [
        {
            "name": name,
            "in": place,
            "required": name in schema["required"],
            "schema": schema["properties"][name],
        }
        for name, place in places
    ]


def _body(row: Endpoint, components: Components) -> Json | None:
    _, path = split_route(row)
    in_path = path_parameters(path)
    schema = components.definition(row.command)
    names = [name for name in schema["properties"] if name not in in_path]
    if not names:
        return None
    required = [name for name in schema["required"] if name in names]
    if in_path:
        properties = {name: schema["properties"][name] for name in names}
        schema = {**schema, "properties": properties, "required": required}
    else:
        schema = components.reference(row.command)
    return {"required": bool(required), "content": {"application/json": {"schema": schema}}}


def _responses(row: Endpoint, components: Components) -> Json:
    answer = answer_type(row)
    success: Json = {"description": HTTPStatus(row.status).phrase}
    if row.status != 204:
        schema = {"type": "object"} if answer is None else components.reference(answer)
        success["content"] = {"application/json": {"schema": schema}}
    responses: Json = {str(row.status): success}
    if row.status == 201:
        responses["200"] = {**success, "description": "It was there already: an exact retry"}
    for status, _ in error_rows():
        responses[str(status)] = {"$ref": f"#/components/responses/Error{status}"}
    return dict(sorted(responses.items()))


def _error_responses(components: Components) -> Json:
    by_status: dict[int, list[type[ChatError]]] = {}
    for status, kind in error_rows():
        by_status.setdefault(status, []).append(kind)
    schema = components.reference(ErrorAnswer)
    return {
        f"Error{status}": {
            "description": " ".join(f"`{kind.code}`: {summary_of(kind)}" for kind in kinds),
            "content": {"application/json": {"schema": schema}},
        }
        for status, kinds in by_status.items()
    }
