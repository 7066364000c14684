"""AsyncAPI 3.0 from the catalogue, seen from the server: it receives commands, sends events."""

from whatchat import __version__
from whatchat.domain.contract import Catalogue, Endpoint
from whatchat.domain.errors import ErrorBody
from whatchat.entrypoints.schema.components import (
    Components,
    Json,
    answer_type,
    description_of,
    summary_of,
)
from whatchat.entrypoints.schema.error_table import error_table

CHANNEL = "namespace"

DESCRIPTION = f"""\
Whatchat over Socket.IO: path `/socket.io/`, namespace `/`, WebSocket or polling. CONNECT
carries `{{"token"}}`, an access token from the REST API (`/openapi.json`).

Every command has an acknowledgement: `{{"ok": true, "data"}}` or `{{"ok": false, "error"}}`.
Commands of one connection run in order. A command that fails without an acknowledgement
callback raises the event `error`. Clients ignore unknown fields and events.

Clients of two older vocabularies connect with `{{"dialect": "classic"}}` or `"chat"` beside the
token, and are spoken to in their own words; what has no counterpart there they are not told.

{error_table()}"""


def asyncapi(catalogue: Catalogue) -> Json:
    """The document; the same catalogue always gives the same."""
    components = Components(catalogue)
    messages = _messages(catalogue, components)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Whatchat",
            "version": __version__,
            "description": DESCRIPTION,
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "pod": {
                "host": "localhost:8000",
                "pathname": "/socket.io/",
                "protocol": "socket.io",
            }
        },
        "channels": {
            CHANNEL: {
                "address": "/",
                "description": "The Socket.IO namespace that everything passes through.",
                "servers": [{"$ref": "#/servers/pod"}],
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
            }
        },
        "operations": _operations(catalogue),
        "components": {"messages": messages, "schemas": components.schemas},
    }


def _messages(catalogue: Catalogue, components: Components) -> Json:
    messages: Json = {}
    for name, endpoint in catalogue.by_socket.items():
        command = endpoint.row.command
        messages[command.__name__] = _message(name, command, components)
        messages[_ack_name(command)] = {
            "name": f"ack of {name}",
            "title": f"Acknowledgement of {name}",
            "payload": {"oneOf": [_success(endpoint.row, components), _failure(components)]},
        }
    for name, event in catalogue.events.items():
        messages[event.__name__] = _message(name, event, components)
    return messages


def _message(name: str, kind: type, components: Components) -> Json:
    return {
        "name": name,
        "title": kind.__name__,
        "summary": summary_of(kind),
        "description": description_of(kind),
        "payload": components.reference(kind),
    }


def _success(row: Endpoint, components: Components) -> Json:
    answer = answer_type(row)
    data: Json = {"type": "object"} if answer is None else components.reference(answer)
    if row.ack and answer is not None:
        data = {"type": "object", "required": [row.ack], "properties": {row.ack: data}}
    return {
        "type": "object",
        "required": ["ok", "data"],
        "properties": {"ok": {"const": True}, "data": data},
    }


def _failure(components: Components) -> Json:
    return {
        "type": "object",
        "required": ["ok", "error"],
        "properties": {"ok": {"const": False}, "error": components.reference(ErrorBody)},
    }


def _operations(catalogue: Catalogue) -> Json:
    operations: Json = {}
    for endpoint in catalogue.by_socket.values():
        command = endpoint.row.command
        operations[f"receive{command.__name__}"] = {
            **_operation("receive", command),
            "reply": {
                "channel": {"$ref": f"#/channels/{CHANNEL}"},
                "messages": [_in_channel(_ack_name(command))],
            },
        }
    for event in catalogue.events.values():
        operations[f"send{event.__name__}"] = _operation("send", event)
    return operations


def _operation(action: str, kind: type) -> Json:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{CHANNEL}"},
        "summary": summary_of(kind),
        "messages": [_in_channel(kind.__name__)],
    }


def _in_channel(name: str) -> Json:
    return {"$ref": f"#/channels/{CHANNEL}/messages/{name}"}


def _ack_name(command: type) -> str:
    return f"{command.__name__}Ack"
