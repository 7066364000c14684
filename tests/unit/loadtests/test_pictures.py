"""The pictures of a run: what is on them, and that they are the same each time."""

import re
from pathlib import Path

import pytest

from loadtests.colours import AMBER
from loadtests.swarm.views.panels import PODS
from loadtests.swarm.views.pictures import main
from loadtests.swarm.views.recording import read
from tests.unit.loadtests.left_by_a_run import PHASES, RAMP, START, leave

ALL = {"connections.svg", "latency.svg", "memory.svg"}


def texts(picture: Path) -> set[str]:
    return set(re.findall(r"<text[^>]*>([^<]+)</text>", picture.read_text()))


def drawn(folder: Path) -> set[str]:
    assert main([str(folder)]) == 0
    return {path.name for path in folder.glob("*.svg")}


def test_each_picture_says_what_was_measured(tmp_path: Path) -> None:
    assert drawn(leave(tmp_path)) == ALL
    for name in ALL:
        assert "rollout, 9,000 users, 2027-01-15" in texts(tmp_path / name)
    connections, latency, memory = (texts(tmp_path / name) for name in sorted(ALL))
    assert connections >= {"users", *(f"pod-{number}" for number in range(1, 7)), "10,000"}
    assert latency >= {"p50", "p95", "p99", "p99 at most 250 ms", "p99 at most 2,000 ms"}
    assert memory >= {"Resident memory of each pod", "140 MB", "12 KB"}


def test_parts_of_the_run_and_what_was_done_to_it_are_marked(tmp_path: Path) -> None:
    drawn(leave(tmp_path))
    for name in ALL:
        assert texts(tmp_path / name) >= {"ramp", "warm", "hold", "settle", "rollout"}
        assert AMBER in (tmp_path / name).read_text()
    quiet = tmp_path / "quiet"
    quiet.mkdir()
    drawn(leave(quiet, phases=[phase for phase in PHASES if phase["name"] != "rollout"]))
    assert "rollout" not in texts(quiet / "latency.svg")
    assert AMBER not in (quiet / "latency.svg").read_text(), "only what was done to the servers"
    drawn(leave(quiet, phases=[]))
    assert not texts(quiet / "latency.svg") & {"ramp", "warm", "hold", "settle", "rollout"}


def test_what_was_said_before_the_hold_is_drawn_by_itself(tmp_path: Path) -> None:
    drawn(leave(tmp_path))
    assert "Delivery of message:new while they become ever more" in texts(tmp_path / "latency.svg")


def test_the_same_run_gives_the_same_bytes_wherever_it_lies(tmp_path: Path) -> None:
    both = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        drawn(leave(tmp_path / name))
        both.append({path: (tmp_path / name / path).read_bytes() for path in ALL})
    assert both[0] == both[1]


def test_pods_have_colours_of_their_own(tmp_path: Path) -> None:
    drawn(leave(tmp_path))
    assert set(PODS) <= set(re.findall(r"#[0-9a-f]{6}", (tmp_path / "connections.svg").read_text()))


def test_a_pod_first_seen_with_people_on_it_tells_nothing_of_a_socket(tmp_path: Path) -> None:
    leave(tmp_path)
    heading, *rows = (tmp_path / "pods.csv").read_text().splitlines()
    late = [row for row in rows if "pod-1" in row and int(row.split(",")[0]) > START + RAMP]
    (tmp_path / "pods.csv").write_text("\n".join([heading, *late]))
    drawn(tmp_path)
    said = texts(tmp_path / "memory.svg")
    assert "Resident memory of each pod" in said
    assert not any("KB" in text for text in said)


def test_seconds_without_a_measurement_are_no_zeros(tmp_path: Path) -> None:
    moments = read(leave(tmp_path)).moments["connect", "websocket"]
    assert {moment.at for moment in moments} == set(range(START, START + RAMP + 1, 2))
    assert min(moment.p50 for moment in moments) > 0


def test_nothing_is_drawn_of_what_was_not_measured(tmp_path: Path) -> None:
    leave(tmp_path)
    (tmp_path / "pods.csv").unlink()
    assert drawn(tmp_path) == ALL - {"memory.svg"}
    for path in tmp_path.glob("*.svg"):
        path.unlink()
    (tmp_path / "locust_stats_history.csv").unlink()
    assert drawn(tmp_path) == set()


def test_a_folder_without_a_run_is_refused_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("nothing can be drawn: ")
    assert said.count("\n") == 1
    leave(tmp_path, started="yesterday")
    assert main([str(tmp_path)]) == 1
