"""What people of a load test cost, with tiny numbers: that it is measured, not how much it is."""

from tests.e2e.bench_smoke import printed

TINY = ("--users", "20", "--rate", "20", "--seconds", "2", "--rounds", "1")


def test_both_kinds_of_people_are_measured() -> None:
    said = printed("users", *TINY)
    _, _, *rows = said.splitlines()
    assert [row.split(" | ")[0] for row in rows] == ["| ours", "| locust.contrib.socketio"]
    for row in rows:
        deliveries, cpu, _ = row.replace(",", "").strip("| ").split(" | ")[1:]
        assert int(deliveries) > 0, row
        assert int(cpu) > 0, row
