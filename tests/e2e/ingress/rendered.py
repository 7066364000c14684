"""What the chart tells an ingress controller."""

from collections.abc import Mapping
from functools import cache
from typing import Final, NamedTuple

from tests.chart.helm import render, the

COOKIE: Final = "whatchat"
SERVICE: Final = "whatchat"

Annotations = Mapping[str, str]


class Rendered(NamedTuple):
    """The annotations of both objects that controllers read."""

    ingress: Annotations
    service: Annotations


@cache
def rendered(preset: str) -> Rendered:
    """What a preset renders for a host without TLS, which cookies could not cross here."""
    values = {"ingress": {"enabled": True, "preset": preset, "hosts": ["localhost"]}}
    objects = render(values)
    return Rendered(
        the(objects, "Ingress")["metadata"].get("annotations", {}),
        the(objects, "Service", SERVICE)["metadata"].get("annotations", {}),
    )
