"""What must hold of one release beside another, under a long name, and after an upgrade."""

import pytest

from tests.chart.cases import CASES, rendered, values_of
from tests.chart.helm import render
from tests.chart.policies.naming import labels_are_valid, names_are_short_enough
from tests.chart.workloads import of_kind, selects, workloads

LONGEST_RELEASE = "a-release-with-the-longest-name-that-helm-would-take1"
"""Of 53 characters."""


@pytest.mark.parametrize("case", CASES)
def test_a_release_may_have_the_longest_name_there_is(case: str) -> None:
    objects = rendered(case, release=LONGEST_RELEASE)
    assert [*names_are_short_enough(objects), *labels_are_valid(objects)] == []


@pytest.mark.parametrize(
    "case", [each for each in CASES if "fullnameOverride" not in values_of(each)]
)
def test_two_releases_in_a_namespace_have_nothing_in_common(case: str) -> None:
    one, other = rendered(case), rendered(case, release=LONGEST_RELEASE)
    names = [{(each["kind"], each["metadata"]["name"]) for each in some} for some in (one, other)]
    assert names[0] & names[1] == set()
    for found in of_kind(one, "Deployment", "StatefulSet", "Service", "PodDisruptionBudget"):
        selector = found["spec"]["selector"]
        assert not [str(each) for each in workloads(other) if selects(selector, each.labels)]


def test_an_upgrade_changes_nothing_that_cannot_be_changed() -> None:
    before = render()
    after = render(
        {
            "image": {"tag": "2.0.0"},
            "commonLabels": {"new": "label"},
            "server": {"podLabels": {"another": "label"}},
        }
    )
    for old, new in zip(
        of_kind(before, "Deployment", "StatefulSet"),
        of_kind(after, "Deployment", "StatefulSet"),
        strict=True,
    ):
        for field in ("selector", "serviceName", "volumeClaimTemplates", "podManagementPolicy"):
            assert old["spec"].get(field) == new["spec"].get(field)
