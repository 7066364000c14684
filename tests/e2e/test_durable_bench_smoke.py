"""The durable benchmark with tiny numbers: that it measures, not what."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from loadtests.bench.durable.report import Report
from loadtests.bench.durable.rows import CORES, ROWS
from loadtests.bench.durable.samples import Measure

ROOT = Path(__file__).parents[2]
TINY = ("--connections", "40", "--rounds", "1", "--seconds", "0.2", "--pressure", "0.05")


def decoded(kind: type, value: object) -> object:
    return kind(value)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("durable")
    ended = subprocess.run(
        [sys.executable, "-m", "loadtests.bench.durable", *TINY, "--out", str(out)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    return out


@pytest.fixture(scope="module")
def report(out: Path) -> Report:
    return msgspec.json.decode((out / "durable.json").read_bytes(), type=Report, dec_hook=decoded)


def test_every_row_has_a_figure(report: Report) -> None:
    assert [line.title for line in report.lines] == [row.title for row in ROWS]
    assert [line.title for line in report.cores] == [row.title for row in CORES]
    assert report.failures == []


def test_everything_is_accepted_and_delivered(report: Report) -> None:
    fates = [
        sample.value
        for sample in report.samples
        if sample.measure in {Measure.ACCEPTED, Measure.DELIVERED}
    ]
    assert fates == [100.0] * 8


def test_every_receipt_is_accepted_and_told(report: Report) -> None:
    found = {sample.measure: sample.value for sample in report.samples}
    assert found[Measure.RECEIPTS_TAKEN] == 100.0
    assert found[Measure.RECEIPTS_TOLD] > 0


def test_an_ack_takes_as_long_as_a_journal_and_no_delivery_is_before_its_message(
    report: Report,
) -> None:
    means = {Measure.ACK_MEAN, Measure.DELIVERY_MEAN}
    latencies = [sample.value for sample in report.samples if sample.measure in means]
    assert len(latencies) == 8
    assert all(0.1 < value < 5_000 for value in latencies), latencies


def test_tables_have_every_figure(out: Path, report: Report) -> None:
    tables = (out / "durable.md").read_text(encoding="utf-8")
    assert all(f"| {line.title}, {line.unit} |" in tables for line in report.lines)
