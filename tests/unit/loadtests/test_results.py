"""What a run leaves in its folder, and what the next one takes away."""

from pathlib import Path

from loadtests.swarm.run import results
from loadtests.swarm.views.pictures import PICTURES


def test_an_earlier_run_is_taken_away_and_nothing_else(tmp_path: Path) -> None:
    for name in (*results.FILES, "architecture.svg", "locust.conf"):
        (tmp_path / name).write_text("earlier")
    (tmp_path / "locust").mkdir()
    results.clear(tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"architecture.svg", "locust.conf", "locust"}


def test_every_picture_is_a_result() -> None:
    assert {f"{name}.svg" for name in PICTURES} < set(results.FILES)
