"""What limits and audit cost, with tiny numbers: that it is measured, not how much it is."""

from tests.e2e.bench_smoke import printed

TINY = ("--connections", "20", "--rate", "50", "--seconds", "0.5", "--rounds", "1")


def test_both_stores_are_measured() -> None:
    said = printed("limits", *TINY)
    rows = [line.split(" | ")[0] for line in said.splitlines()[2:]]
    assert rows == ["| SQLite", "| MongoDB and Redis"]
