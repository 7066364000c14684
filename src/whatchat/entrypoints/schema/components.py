"""The catalogue's types as JSON Schema."""

from collections.abc import Iterator
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from whatchat.domain.contract import Catalogue, Endpoint, Outcome
from whatchat.domain.errors import ErrorBody
from whatchat.entrypoints.errors import ErrorAnswer

Json = dict[str, Any]

REFERENCE = "#/components/schemas/{name}"


class Components:
    """A schema for every type that the catalogue mentions; limits are part of it."""

    def __init__(self, catalogue: Catalogue) -> None:
        types = list(dict.fromkeys(_types(catalogue)))
        references, schemas = msgspec.json.schema_components(types, ref_template=REFERENCE)
        self.schemas: Json = {name: _portable(schemas[name]) for name in sorted(schemas)}
        self._references = dict(zip(types, references, strict=True))

    def reference(self, kind: Any) -> Json:
        """What stands for ``kind`` in a document."""
        reference: Json = _portable(self._references[kind])
        return reference

    def definition(self, kind: Any) -> Json:
        """The schema of a struct itself."""
        name = self._references[kind]["$ref"].rpartition("/")[2]
        definition: Json = self.schemas[name]
        return definition


def answer_type(row: Endpoint) -> Any:
    """What a row answers, ``None`` for nothing; an :class:`Outcome` counts as its value."""
    annotation = get_type_hints(row.run, include_extras=True)["return"]
    if get_origin(annotation) is Outcome:
        annotation = get_args(annotation)[0]
    return None if annotation in {None, NoneType} else annotation


def summary_of(kind: type) -> str:
    """The first sentence that a type says of itself."""
    return (kind.__doc__ or "").strip().partition("\n")[0].replace("``", "`")


def description_of(kind: type) -> str:
    """All that a type says of itself."""
    lines = (line.strip() for line in (kind.__doc__ or "").strip().splitlines())
    return "\n".join(lines).replace("``", "`")


def _types(catalogue: Catalogue) -> Iterator[Any]:
    yield from (ErrorBody, ErrorAnswer)
    for endpoint in catalogue:
        yield endpoint.row.command
        answer = answer_type(endpoint.row)
        if answer is not None:
            yield answer
    yield from catalogue.events.values()


def _portable(value: Any, key: str = "") -> Any:
    """The schema with patterns in the dialect of JSON Schema, which ends a text with ``$``."""
    if isinstance(value, dict):
        return {name: _portable(item, name) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_portable(item) for item in value]
    return value.replace(r"\Z", "$") if key == "pattern" else value
