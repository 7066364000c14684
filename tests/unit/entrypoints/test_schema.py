import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import validate

from tests.unit.entrypoints.toys import catalogue
from whatchat.domain.contract import Catalogue
from whatchat.entrypoints.schema.documents import DOCUMENTS, has_drifted, render
from whatchat.pod import documented

ROOT = Path(__file__).parents[3]
ASYNCAPI_SCHEMA = ROOT / "tests/js/node_modules/@asyncapi/specs/schemas/3.0.0-without-$id.json"

TOYS = catalogue(None)
CATALOGUES = pytest.mark.parametrize("given", [TOYS, documented()], ids=["toys", "whatchat"])


def openapi() -> Any:
    return DOCUMENTS["openapi"](TOYS)


def asyncapi() -> Any:
    return DOCUMENTS["asyncapi"](TOYS)


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*map(references, value.values()))
    return set().union(*map(references, value)) if isinstance(value, list) else set()


def resolve(document: Any, reference: str) -> Any:
    for part in reference.removeprefix("#/").split("/"):
        document = document[part]
    return document


@CATALOGUES
def test_openapi_is_valid(given: Catalogue) -> None:
    validate(DOCUMENTS["openapi"](given))


@CATALOGUES
def test_asyncapi_is_valid(given: Catalogue) -> None:
    schema = json.loads(ASYNCAPI_SCHEMA.read_text())
    jsonschema.Draft7Validator(schema).validate(json.loads(render(DOCUMENTS["asyncapi"](given))))


@CATALOGUES
@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_reference_leads_somewhere(given: Catalogue, name: str) -> None:
    document = DOCUMENTS[name](given)
    assert references(document)
    for reference in references(document):
        assert resolve(document, reference)


@CATALOGUES
def test_every_row_and_event_is_there(given: Catalogue) -> None:
    rest = DOCUMENTS["openapi"](given)
    assert {
        f"{method.upper()} {path}" for path in rest["paths"] for method in rest["paths"][path]
    } == set(given.by_http)
    sockets = DOCUMENTS["asyncapi"](given)
    assert {message["name"] for message in sockets["components"]["messages"].values()} == {
        *given.by_socket,
        *given.events,
        *(f"ack of {name}" for name in given.by_socket),
    }


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_same_catalogue_gives_the_same_text(name: str) -> None:
    first, second = (render(DOCUMENTS[name](catalogue(None))) for _ in range(2))
    assert first == second


def test_limits_and_patterns_are_in_the_schemas() -> None:
    make = openapi()["components"]["schemas"]["MakeToy"]
    assert make["additionalProperties"] is False
    assert make["required"] == ["content"]
    assert make["properties"]["clientId"]["pattern"] == "^[A-Za-z0-9_-]{16,64}$"
    assert make["properties"]["participants"]["maxItems"] == 3
    settings = openapi()["components"]["schemas"]["ToySettings"]
    assert settings["properties"]["maxParticipants"]["maximum"] == 10_000


def test_path_query_and_body_are_told_apart() -> None:
    paths = openapi()["paths"]
    paint = paths["/api/toys/{toyId}/colour"]["put"]
    assert [(one["name"], one["in"]) for one in paint["parameters"]] == [("toyId", "path")]
    body = paint["requestBody"]["content"]["application/json"]["schema"]
    assert list(body["properties"]) == body["required"] == ["colour"]
    find = paths["/api/toys"]["get"]
    assert {one["in"] for one in find["parameters"]} == {"query"}
    assert "requestBody" not in find


def test_security_statuses_and_errors_are_told() -> None:
    paths = openapi()["paths"]
    assert paths["/api/greet"]["post"]["security"] == []
    assert paths["/api/toys"]["post"]["security"]
    made = paths["/api/toys"]["post"]["responses"]
    assert list(made) == [
        "200", "201", "400", "401", "403", "404", "409", "413", "422", "429", "503"
    ]  # fmt: skip
    toy = {"$ref": "#/components/schemas/Toy"}
    assert made["201"]["content"]["application/json"]["schema"] == toy
    assert "content" not in paths["/api/greet"]["post"]["responses"]["204"]


@pytest.mark.parametrize("document", [openapi(), asyncapi()])
def test_the_whole_error_table_is_in_the_description(document: Any) -> None:
    text = document["info"]["description"]
    for code in ("invalid", "unauthenticated", "forbidden", "not_found", "conflict"):
        assert f"| `{code}` |" in text
    for code in ("too_large", "rate_limited", "plaintext_refused", "unavailable"):
        assert f"| `{code}` |" in text


def test_acks_say_ok_with_data_or_an_error() -> None:
    messages = asyncapi()["components"]["messages"]
    success, failure = messages["MakeToyAck"]["payload"]["oneOf"]
    assert success["properties"]["ok"] == {"const": True}
    assert success["properties"]["data"]["required"] == ["toy"]
    assert failure["properties"]["error"] == {"$ref": "#/components/schemas/ErrorBody"}
    painted = messages["PaintToyAck"]["payload"]["oneOf"][0]["properties"]["data"]
    assert painted == {"$ref": "#/components/schemas/Toy"}


def test_drift_is_noticed(tmp_path: Path) -> None:
    kept = tmp_path / "openapi.json"
    text = render(openapi())
    assert has_drifted(text, kept)
    kept.write_text(text)
    assert not has_drifted(text, kept)
    kept.write_text(text.replace("toyId", "toyID"))
    assert has_drifted(text, kept)
