"""The API for people: one page made from the two documents, without scripts."""

import json
from collections.abc import Iterable, Iterator
from html import escape

from whatchat.entrypoints.schema.components import Json, summary_of
from whatchat.entrypoints.schema.error_table import error_rows

STYLE = """\
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #2f6fde; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
code, pre { font: 0.875em/1.5 ui-monospace, monospace; }
pre { background: var(--soft); padding: 0.75rem; border-radius: 0.5rem; overflow: auto; }
table { border-collapse: collapse; width: 100%; }
td, th { border-bottom: 1px solid var(--line); padding: 0.25rem 0.5rem; text-align: left;
  vertical-align: top; }
details { border: 1px solid var(--line); border-radius: 0.5rem; margin: 0.5rem 0;
  padding: 0.5rem 0.75rem; }
summary { cursor: pointer; overflow-wrap: anywhere; }
a { color: var(--accent); }
"""

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Whatchat API</title>
<link rel="stylesheet" href="/docs.css">
</head>
<body>
<h1>Whatchat API</h1>
<p>Generated from the typed catalogue, as
<a href="/openapi.json">OpenAPI 3.1</a> and <a href="/asyncapi.json">AsyncAPI 3.0</a>.</p>
{sections}
</body>
</html>
"""


def reference_page(openapi: Json, asyncapi: Json) -> str:
    """The page as HTML."""
    sections = [
        _section("REST", _operations(openapi)),
        _section("Socket.IO commands", _messages(asyncapi, "receive")),
        _section("Socket.IO events", _messages(asyncapi, "send")),
        _section("Errors", [_errors()]),
        _section("Types", _types(openapi["components"]["schemas"])),
    ]
    return _PAGE.format(sections="\n".join(sections))


def _section(title: str, parts: Iterable[str]) -> str:
    return f"<h2>{escape(title)}</h2>\n" + "\n".join(parts)


def _operations(openapi: Json) -> Iterator[str]:
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            detail = {
                key: operation[key] for key in ("parameters", "requestBody") if key in operation
            }
            answers = {
                status: answer.get("content", {}).get("application/json", {}).get("schema", {})
                for status, answer in operation["responses"].items()
                if status.startswith("2")
            }
            title = f"{method.upper()} {path}"
            yield _details(title, operation["description"], {**detail, "responses": answers})


def _messages(asyncapi: Json, action: str) -> Iterator[str]:
    messages = asyncapi["components"]["messages"]
    for operation in asyncapi["operations"].values():
        if operation["action"] != action:
            continue
        message = messages[_last(operation["messages"][0]["$ref"])]
        detail = {"data": message["payload"]}
        if "reply" in operation:
            reply = messages[_last(operation["reply"]["messages"][0]["$ref"])]
            detail["ack"] = reply["payload"]["oneOf"][0]["properties"]["data"]
        yield _details(message["name"], message["description"], detail)


def _types(schemas: Json) -> Iterator[str]:
    for name, schema in schemas.items():
        shown = {key: value for key, value in schema.items() if key not in {"title", "description"}}
        text = schema.get("description", "").replace("``", "`")
        yield _details(name, text, shown, anchor=name)


def _errors() -> str:
    rows = "".join(
        f"<tr><td><code>{kind.code}</code><td>{status}<td>{escape(summary_of(kind))}"
        for status, kind in error_rows()
    )
    return f"<table><tr><th>code<th>HTTP<th>when{rows}</table>"


def _details(title: str, description: str, detail: Json, *, anchor: str = "") -> str:
    name = f' id="{escape(anchor)}"' if anchor else ""
    body = escape(json.dumps(detail, indent=2, ensure_ascii=False))
    return (
        f"<details{name}><summary><code>{escape(title)}</code></summary>"
        f"<p>{escape(description)}</p><pre>{body}</pre></details>"
    )


def _last(reference: str) -> str:
    return reference.rpartition("/")[2]
