"""A request as WSGI describes it, which is what python-socketio's handlers get."""

from typing import Any

from whatchat.realtime.link import Scope


def environ(scope: Scope) -> dict[str, Any]:
    """The WSGI environment of an ASGI scope; repeated headers are joined (PEP 3333)."""
    found: dict[str, Any] = {
        "REQUEST_METHOD": scope.get("method", "GET"),
        "PATH_INFO": scope["path"],
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "asgi.scope": scope,
    }
    for raw_name, raw_value in scope["headers"]:
        name = raw_name.decode("latin-1").upper().replace("-", "_")
        value = raw_value.decode("latin-1")
        key = name if name in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{name}"
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found
