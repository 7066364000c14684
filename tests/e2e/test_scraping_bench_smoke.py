"""What a scrape takes, with tiny numbers: that it is measured, and that it is not too much."""

from tests.e2e.bench_smoke import printed


def test_both_formats_are_measured() -> None:
    said = printed("scraping", "--connections", "50", "--scrapes", "2", seconds=60)
    rows = [line.split(" | ")[0] for line in said.splitlines()[2:]]
    assert rows == ["| text", "| OpenMetrics"]
