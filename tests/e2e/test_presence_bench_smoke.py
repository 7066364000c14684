"""The storm of people who come and go, with tiny numbers: that it measures, not what."""

from pathlib import Path

import msgspec

from loadtests.bench.presence.__main__ import Report
from tests.e2e.bench_smoke import printed

TINY = ("--people", "60", "--peers", "4", "--seconds", "0.2")


def test_everybody_is_told_of_everybody(tmp_path: Path) -> None:
    printed("presence", *TINY, "--out", str(tmp_path))
    report = msgspec.json.decode((tmp_path / "presence.json").read_bytes(), type=Report)
    calm, come, go = report.storms
    assert [one.people for one in report.storms] == [0, 60, 30]
    assert calm.statuses == 0
    assert 0 < come.statuses <= 60 * 4
    assert 30 * 2 <= go.statuses <= 30 * 4  # of each one's four peers two stay
    assert all(one.message_p50_ms > 0 for one in report.storms)
    assert "all come" in (tmp_path / "presence.md").read_text(encoding="utf-8")
