"""What holds for every object that the chart renders, whichever the values."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.chart.cases import CASES, NAMESPACE, rendered, values_of
from tests.chart.policies.table import POLICIES
from tests.chart.policies.wiring import what_is_referred_to_is_there


def texts(value: Any) -> Iterator[str]:
    """Every text in values."""
    if isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("case", CASES)
def test_every_example_keeps_every_policy(case: str) -> None:
    wrong = {
        name: said for name, policy in POLICIES.items() if (said := list(policy(rendered(case))))
    }
    assert wrong == {}


@pytest.mark.parametrize("case", CASES)
def test_what_an_example_refers_to_is_rendered_or_named_in_it(case: str) -> None:
    given = set(texts(values_of(case)))
    assert list(what_is_referred_to_is_there(rendered(case), given)) == []


@pytest.mark.parametrize("case", CASES)
def test_every_object_says_what_made_it_and_is_in_the_release_s_namespace(case: str) -> None:
    for found in rendered(case):
        labels = found["metadata"]["labels"]
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        assert labels["helm.sh/chart"].startswith("whatchat-")
        assert labels["app.kubernetes.io/version"]
        assert found["metadata"]["namespace"] == NAMESPACE
