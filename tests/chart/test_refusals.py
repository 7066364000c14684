"""What cannot work is refused when it is rendered, by name and with a reason."""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs
import pytest
import yaml

from tests.chart.helm import CHART, Refused, render_text
from tests.chart.refusals import REFUSALS


@pytest.mark.parametrize(("values", "sentence"), REFUSALS, ids=[said for _, said in REFUSALS])
def test_values_that_cannot_work_are_refused(values: Mapping[str, Any], sentence: str) -> None:
    with pytest.raises(Refused) as refused:
        render_text(values)
    assert sentence in str(refused.value)


FAILS = re.findall(
    r'fail (?:\(printf )?"((?:[^"\\]|\\.)*)"',
    "".join(path.read_text() for path in (CHART / "templates").rglob("*") if path.is_file()),
)

PART = 30
"""Rows may leave out how a sentence ends."""


def test_every_refusal_has_a_row() -> None:
    """By the first part of a sentence that is no value."""
    parts = [next(filter(None, re.split("%[sd]", said))) for said in FAILS]
    assert len(parts) > 20
    rows = [sentence for _, sentence in REFUSALS]
    assert [part for part in parts if not any(part[:PART] in row for row in rows)] == []


def test_every_refusal_begins_with_the_value_that_is_wrong() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    for _, sentence in REFUSALS:
        path, colon, why = sentence.partition(": ")
        assert colon
        assert why
        found = values
        for key in path.split("."):
            assert key in found, sentence
            found = found[key]


SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())

FREE = {
    "affinity",
    "alertLabels",
    "annotations",
    "authentication",
    "commonAnnotations",
    "commonLabels",
    "dnsConfig",
    "labels",
    "limits",
    "metadata",
    "nodeSelector",
    "podAnnotations",
    "podLabels",
    "requests",
    "retry",
}
"""Mappings that are Kubernetes' or the operator's own, and may hold any key."""


def mappings(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every mapping in values."""
    if isinstance(value, dict):
        yield path
        for key, each in value.items():
            yield from mappings(each, (*path, key))


CLOSED = [path for path in mappings(VALUES) if not FREE & set(path)]


@pytest.mark.parametrize("path", CLOSED, ids=[".".join(path) or "all" for path in CLOSED])
def test_a_key_that_there_is_not_is_refused(path: tuple[str, ...]) -> None:
    values = copy.deepcopy(VALUES)
    found = values
    for key in path:
        found = found[key]
    found["typo"] = 1
    errors = list(jsonschema_rs.Draft7Validator(SCHEMA).iter_errors(values))
    assert any("typo" in each.message for each in errors)
    assert list(jsonschema_rs.Draft7Validator(SCHEMA).iter_errors(VALUES)) == []


def test_helm_goes_by_the_schema() -> None:
    with pytest.raises(Refused) as refused:
        render_text({"server": {"typo": 1}})
    assert "typo" in str(refused.value)
    assert "server" in str(refused.value)
