"""The chart rendered with each of its example values, once."""

from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from tests.chart.helm import CHART, Object, objects_of, render_text

CASES: Final = tuple(sorted(path.name for path in (CHART / "ci").glob("*-values.yaml")))

RELEASE: Final = "whatchat"
NAMESPACE: Final = "chat"
KUBERNETES: Final = "1.35"

CUSTOM_APIS: Final = (
    "gateway.networking.k8s.io/v1",
    "keda.sh/v1alpha1",
    "monitoring.coreos.com/v1",
)
"""What a cluster that has everything answers to."""


def values_file(case: str) -> Path:
    return CHART / "ci" / case


@cache
def values_of(case: str) -> dict[str, Any]:
    """What the example sets."""
    read: dict[str, Any] = yaml.safe_load(values_file(case).read_text())
    return read


def rendered(
    case: str, *, kubernetes: str = KUBERNETES, release: str = RELEASE
) -> tuple[Object, ...]:
    """Its objects. Nobody changes them: others read the same ones."""
    return objects_of(rendered_text(case, kubernetes=kubernetes, release=release))


@cache
def rendered_text(case: str, *, kubernetes: str = KUBERNETES, release: str = RELEASE) -> str:
    """The same, as Helm prints it."""
    return render_text(
        files=(values_file(case),),
        release=release,
        namespace=NAMESPACE,
        kubernetes=f"{kubernetes}.0",
        apis=CUSTOM_APIS,
    )
