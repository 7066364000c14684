"""The whole benchmark with tiny numbers: that it measures, not what."""

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

from loadtests.bench.plan import ServerName, Work
from loadtests.bench.report import Report
from loadtests.bench.rows import ROWS, Row, cores
from loadtests.bench.samples import Measure
from loadtests.bench.works import ABLE

ROOT = Path(__file__).parents[2]
TINY = ("--connections", "60", "--rounds", "1", "--seconds", "0.1", "--pressure", "0.1")


def decoded(kind: type, value: object) -> object:
    return kind(value)


@pytest.fixture(scope="module", params=["bench", "bench-redis"])
def name(request: pytest.FixtureRequest) -> str:
    """What the results are called: without Redis, and with it."""
    return str(request.param)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory, name: str) -> Path:
    out = tmp_path_factory.mktemp(name)
    flags = [*TINY, "--out", str(out), *(["--redis"] if name == "bench-redis" else [])]
    ended = subprocess.run(
        [sys.executable, "-m", "loadtests.bench", *flags],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    return out


@pytest.fixture(scope="module")
def report(out: Path, name: str) -> Report:
    text = (out / f"{name}.json").read_bytes()
    return msgspec.json.decode(text, type=Report, dec_hook=decoded)


def able(row: Row) -> list[ServerName]:
    return list(ABLE.get(row.work, ServerName))


def test_every_row_has_a_figure_of_every_server(report: Report) -> None:
    for lines, rows in ((report.lines, ROWS), (report.cores, cores(redis=report.plan.redis))):
        found = [(line.title, [figure.server for figure in line.figures]) for line in lines]
        assert found == [(row.title, able(row)) for row in rows]
    assert report.failures == []


def test_every_server_delivers_everything(report: Report) -> None:
    delivered = {
        (sample.work, sample.server): sample.value
        for sample in report.samples
        if sample.measure is Measure.DELIVERED
    }
    assert set(delivered.values()) == {100.0}
    assert {work for work, _ in delivered} == set(Work) - {Work.HIGHEST}


def test_latencies_are_those_of_a_loopback(report: Report) -> None:
    for sample in report.samples:
        if sample.measure is Measure.P50:
            assert 0.01 < sample.value < 5_000, sample


def test_tables_and_picture_are_of_the_same_figures(out: Path, name: str, report: Report) -> None:
    tables = (out / f"{name}.md").read_text(encoding="utf-8")
    texts = {text.text for text in ET.parse(out / f"{name}.svg").iter() if text.text}
    for line in report.lines:
        assert f"| {line.title}" in tables
        if len({round(figure.median, 3) for figure in line.figures}) > 1:
            assert line.title in texts
