"""Nothing that the chart renders is lost on the way to a proxy."""

from pathlib import Path

import pytest

from tests.e2e.ingress.controller import KINDS
from tests.e2e.ingress.proxying import Place, UnknownAnnotation
from tests.e2e.ingress.rendered import Rendered, rendered

PLACE = Place(Path(), 1234, ["127.0.0.1:1", "127.0.0.1:2"])


@pytest.mark.parametrize("preset", KINDS)
def test_every_annotation_of_a_preset_is_known_where_it_is_written(preset: str) -> None:
    told = rendered(preset)
    assert KINDS[preset].configure(told, PLACE)
    with pytest.raises(UnknownAnnotation):
        KINDS[preset].configure(Rendered(ingress=told.service, service=told.ingress), PLACE)


@pytest.mark.parametrize("preset", KINDS)
@pytest.mark.parametrize("kind", ["ingress", "service"])
def test_an_annotation_that_no_controller_reads_is_noticed(preset: str, kind: str) -> None:
    told = rendered(preset)
    more = {**getattr(told, kind), "nginx.org/sticky-coookie-services": "x"}
    with pytest.raises(UnknownAnnotation, match="coookie"):
        KINDS[preset].configure(told._replace(**{kind: more}), PLACE)


@pytest.mark.parametrize("preset", KINDS)
def test_in_a_hurry_every_timeout_is_shorter(preset: str) -> None:
    hurried = KINDS[preset].configure(rendered(preset), PLACE._replace(hurry=30))
    assert "120000ms" in hurried  # of 3600 s
    assert "3600" not in hurried
