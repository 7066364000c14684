"""``docs/scaling.md`` and its pictures are those of ``docs/scaling.json``."""

import re
from pathlib import Path

import pytest

from loadtests.bench.growth.breaking import limits
from loadtests.bench.growth.model import Bounds, calibrated, needs
from loadtests.bench.growth.page import DOCS, FIGURES, PAGE, filled, redraw
from loadtests.bench.growth.pictures import TITLES
from loadtests.bench.growth.report import Report, read, written
from loadtests.bench.growth.samples import Measure
from loadtests.bench.growth.tables import CROWDS
from loadtests.bench.growth.words import short, spread

TEXT = (DOCS / PAGE).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def report() -> Report:
    return read(DOCS / FIGURES)


def test_the_page_and_its_pictures_are_those_of_the_published_figures(tmp_path: Path) -> None:
    drawn = list(redraw(DOCS, tmp_path))
    assert {path.name for path in drawn} == {PAGE, *(f"scaling-{name}.svg" for name in TITLES)}
    for path in drawn:
        assert path.read_bytes() == (DOCS / path.name).read_bytes(), (
            f"{path.name} is not that of {FIGURES}: python -m loadtests.bench.growth --redraw"
        )


def test_another_figure_is_seen_on_the_page(report: Report, tmp_path: Path) -> None:
    (tmp_path / PAGE).write_text(TEXT, encoding="utf-8")
    for point in report.points:
        if Measure.POD_BYTES in point.found:
            point.found[Measure.POD_BYTES] *= 1.5
    written(report, tmp_path / FIGURES)
    changed = {path.name for path in redraw(tmp_path, tmp_path)}
    differing = {
        name for name in changed if (tmp_path / name).read_bytes() != (DOCS / name).read_bytes()
    }
    assert differing == {PAGE, "scaling-connections.svg", "scaling-model.svg"}


def test_every_picture_is_on_the_page() -> None:
    shown = re.findall(r"!\[[^]]+\]\((\S+)\)", TEXT)
    assert shown == [f"scaling-{name}.svg" for name in TITLES]


def test_reports_are_read_as_they_were_written(report: Report, tmp_path: Path) -> None:
    written(report, tmp_path / FIGURES)
    assert read(tmp_path / FIGURES) == report


def test_a_page_without_a_mark_is_refused() -> None:
    page = "<!-- begin one -->\nold\n<!-- end one -->\n"
    assert filled(page, {"one": "new"}) == "<!-- begin one -->\n\nnew\n\n<!-- end one -->\n"
    assert filled(filled(page, {"one": "new"}), {"one": "new"}) == filled(page, {"one": "new"})
    with pytest.raises(ValueError, match="two"):
        filled(page, {"one": "new", "two": "newer"})


def test_pods_are_as_many_as_the_page_on_deploying_says(report: Report) -> None:
    deploying = (DOCS / "deploy.md").read_text(encoding="utf-8")
    row = next(line for line in deploying.splitlines() if line.startswith("| pods: sockets"))
    model, (usual, _) = calibrated(report), CROWDS
    for size, cell in zip((10_000, 100_000, 1_000_000), row.split("|")[2:5], strict=True):
        assert needs(model, usual, Bounds(), size).pods <= int(cell)


def test_what_ends_first_is_not_the_pods(report: Report) -> None:
    model = calibrated(report)
    for crowd in CROWDS:
        first = limits(model, crowd, Bounds())[0]
        assert 0 < first.connections < 10**9


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (3.0, "3"),
        (0.01234, "0.0123"),
        (3.14159, "3.14"),
        (31.4159, "31.4"),
        (1e5, "100,000"),
    ],
)
def test_figures_have_the_digits_that_count(value: float, text: str) -> None:
    assert short(value) == text


def test_rounds_that_agree_have_no_range() -> None:
    assert spread([2.0, 2.0]) == "2"
    assert spread([1.0, 3.0, 2.0], 2.0) == "4 (2 to 6)"
