"""``docs/scaling.md`` and its pictures, from the published figures."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from loadtests.bench.growth.curves import curve
from loadtests.bench.growth.model import calibrated
from loadtests.bench.growth.pictures import draw
from loadtests.bench.growth.plan import Work
from loadtests.bench.growth.report import Report, read
from loadtests.bench.growth.tables import CROWDS, about, coefficients, crowd_needs, ends

DOCS: Final = Path(__file__).parents[3] / "docs"
FIGURES: Final = "scaling.json"
PAGE: Final = "scaling.md"

_MARKED: Final = re.compile(r"(<!-- begin (\S+) -->\n).*?(\n<!-- end \2 -->)", re.DOTALL)


def redraw(docs: Path, out: Path) -> Iterator[Path]:
    """Write the page's tables and pictures anew from the figures in ``docs``, into ``out``."""
    report = read(docs / FIGURES)
    text = (docs / PAGE).read_text(encoding="utf-8")
    (out / PAGE).write_text(filled(text, _tables(report)), encoding="utf-8")
    yield out / PAGE
    yield from draw(report, calibrated(report), out)


def filled(text: str, tables: Mapping[str, str]) -> str:
    """A page with these tables between its marks; each has its marks, once."""
    marked = [name for _, name, _ in _MARKED.findall(text)]
    if sorted(marked) != sorted(tables):
        raise ValueError(f"the page has marks for {marked}, and there is {sorted(tables)}")
    return _MARKED.sub(lambda found: f"{found[1]}\n{tables[found[2]]}\n{found[3]}", text)


def _tables(report: Report) -> dict[str, str]:
    model = calibrated(report)
    return {
        "about": about(report),
        **{work: curve(report, work) for work in Work},
        "coefficients": coefficients(model),
        **{crowd.name: crowd_needs(model, crowd) for crowd in CROWDS},
        "ends": ends(model),
    }
