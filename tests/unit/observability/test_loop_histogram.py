import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.openmetrics import exposition as openmetrics

from whatchat.observability.loop_histogram import LoopHistogram

BOUNDS = (0.001, 0.5, 2, 10)
AMOUNTS = (0.0, 0.001, 0.0011, 0.5, 1.999, 2, 7, 10, 10.1, 5000)


def exposed(registry: CollectorRegistry) -> list[str]:
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if "_created" not in line]


@pytest.mark.parametrize("labels", [(), ("origin",)])
def test_it_is_exposed_as_the_librarys_is(labels: tuple[str, ...]) -> None:
    told = []
    for kind in (Histogram, LoopHistogram):
        registry = CollectorRegistry()
        made = kind(
            "late_seconds", "How late.", labels, registry=registry, unit="seconds", buckets=BOUNDS
        )
        for child in [made.labels(value) for value in ("a", "b")] if labels else [made]:
            for amount in AMOUNTS:
                child.observe(amount)
        told.append(exposed(registry))
    assert told[0] == told[1]
    assert len(told[0]) > 5


def test_nothing_is_told_under_labels_that_nobody_asked_for() -> None:
    registry = CollectorRegistry()
    made = LoopHistogram("x_seconds", "X.", ("origin",), registry=registry, buckets=BOUNDS)
    assert exposed(registry) == ["# HELP x_seconds X.", "# TYPE x_seconds histogram"]
    with pytest.raises(ValueError, match="origin"):
        made.labels()


def test_each_bucket_has_the_latest_exemplar() -> None:
    registry = CollectorRegistry()
    made = LoopHistogram("x_seconds", "X.", registry=registry, buckets=BOUNDS)
    made.observe(0.3, {"trace_id": "first"})
    made.observe(0.4, {"trace_id": "second"})
    made.observe(0.4)
    made.observe(70, {"trace_id": "third"})
    text = openmetrics.generate_latest(registry).decode()  # type: ignore[no-untyped-call]
    assert 'x_seconds_bucket{le="0.5"} 3.0 # {trace_id="second"} 0.4 ' in text
    assert 'x_seconds_bucket{le="+Inf"} 4.0 # {trace_id="third"} 70.0 ' in text
    assert text.count("trace_id") == 2


def test_a_name_is_taken_once() -> None:
    registry = CollectorRegistry()
    LoopHistogram("x_seconds", "X.", registry=registry, buckets=BOUNDS)
    with pytest.raises(ValueError, match="x_seconds"):
        LoopHistogram("x_seconds", "X.", registry=registry, buckets=BOUNDS)
