"""The durable benchmark with tiny numbers: that it measures, not what."""

from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

from loadtests.bench.durable.plan import Work
from loadtests.bench.durable.report import Report
from loadtests.bench.durable.rows import CORES, ROWS
from loadtests.bench.durable.samples import Measure
from loadtests.bench.plan import ServerName
from loadtests.bench.tables import titled
from tests.e2e.bench_smoke import printed

TINY = ("--connections", "40", "--rounds", "1", "--seconds", "0.2", "--pressure", "0.05")


def decoded(kind: type, value: object) -> object:
    return kind(value)


def measured(out: Path, *flags: str) -> Path:
    """The folder with what a run leaves."""
    printed("durable", *TINY, "--out", str(out), *flags)
    return out


def report_in(out: Path, name: str) -> Report:
    return msgspec.json.decode((out / f"{name}.json").read_bytes(), type=Report, dec_hook=decoded)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return measured(tmp_path_factory.mktemp("durable"))


@pytest.fixture(scope="module")
def report(out: Path) -> Report:
    return report_in(out, "durable")


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
    assert all(f"| {titled(line)} |" in tables for line in report.lines)


def test_whoever_connects_is_compared_with_a_plain_stack(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Before\n<!-- beside-node -->\nold\n<!-- end of beside-node -->\nAfter\n")
    flags = ("--servers", "ours,node", "--work", "connect,receipts-10", "--page", str(page))
    compared = report_in(measured(tmp_path / "out", *flags), "beside-node")
    assert compared.failures == []
    assert {sample.work for sample in compared.samples} == {Work.CONNECT}
    stayed = {
        (sample.server, sample.value)
        for sample in compared.samples
        if sample.measure is Measure.STAYED
    }
    assert stayed == {(ServerName.OURS, 100.0), (ServerName.NODE, 100.0)}
    text = page.read_text(encoding="utf-8")
    assert all(f"| {titled(line)} |" in text for line in compared.lines)
    assert text.startswith("Before\n")
    assert text.endswith("After\n")
    assert "old" not in text
    assert ET.parse(tmp_path / "beside-node.svg").getroot().tag.endswith("svg")
