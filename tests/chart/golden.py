"""What some examples render, kept, so that a change of the chart shows what it changes.

``python -m tests.chart.golden`` (`make chart-golden`) writes the files anew.
"""

from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import yaml

from tests.chart.cases import rendered
from tests.chart.helm import Object

FOLDER: Final = Path(__file__).parent / "golden"
CASES: Final = ("default", "gateway", "keda", "production")


def text(case: str) -> str:
    """All objects, in one order, without what is made up or stands word for word elsewhere."""
    objects = [_plain(each) for each in rendered(f"{case}-values.yaml")]
    objects.sort(key=lambda each: (each["kind"], each["metadata"]["name"]))
    dumped: str = yaml.safe_dump_all(objects, sort_keys=False, width=100, allow_unicode=True)
    return dumped


def _plain(found: Object) -> dict[str, Any]:
    plain: dict[str, Any] = deepcopy(dict(found))
    match plain["kind"]:
        case "Secret":
            for field in plain.keys() & {"data", "stringData"}:
                plain[field] = dict.fromkeys(plain[field], "…")
        case "PrometheusRule":
            plain["spec"] = "dashboards/rules"
        case "ConfigMap":
            for key, value in plain["data"].items():
                plain["data"][key] = "…" if "\n" in value else value
    return plain


def main() -> None:
    """Write them."""
    FOLDER.mkdir(exist_ok=True)
    for case in CASES:
        (FOLDER / f"{case}.yaml").write_text(text(case))


if __name__ == "__main__":
    main()
