"""The benchmark of the debug API with tiny numbers: that it measures, not what."""

from tests.e2e.bench_smoke import printed

TINY = ("--connections", "20", "--rate", "50", "--seconds", "0.5", "--rounds", "1")


def test_somebody_looks_while_messages_flow() -> None:
    said = printed("debugging", *TINY)
    rows = [line.strip("| ").split(" | ") for line in said.splitlines()[2:]]
    asked = [int(row[-1]) for row in rows]
    assert asked[0] == 0
    assert asked[1] >= 8
    assert asked[2] >= 8
    assert all(float(row[1].split(" ")[0]) > 0 for row in rows)
