"""What is known to be counted stands at nought before anything is."""

from whatchat.observability.beginnings import BEGINNINGS
from whatchat.observability.metrics import Metrics, declarations


def test_counters_are_there_before_anything_is_counted() -> None:
    exposition = Metrics().render().decode()
    declared = dict(declarations())
    for attribute, values in BEGINNINGS.items():
        [label] = declared[attribute].labels
        assert len(values) <= declared[attribute].labels[label]
        for value in values:
            assert f'{declared[attribute].exposed}{{{label}="{value}"}} 0.0' in exposition
