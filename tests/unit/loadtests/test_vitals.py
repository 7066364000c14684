"""What is made of pods' metrics."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from loadtests.swarm.run.course import Phase
from loadtests.swarm.run.vitals import Vital, Vitals, found_at, of_pods, recorded

EXPOSITION = b"""\
# TYPE whatchat_connected_sockets gauge
whatchat_connected_sockets{transport="websocket"} 7.0
whatchat_connected_sockets{transport="polling"} 2.0
process_resident_memory_bytes 1.5e+08
process_cpu_seconds_total 12.25
"""


class Pod(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(EXPOSITION)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def pod() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Pod) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


def test_pods_are_found_by_a_name_and_read(pod: str, tmp_path: Path) -> None:
    where = found_at([pod, "http://127.0.0.1:1", "http://nowhere.invalid"])
    with Vitals(where, tmp_path / "pods.csv") as vitals:
        pass
    first, *_ = vitals.seen
    assert first.pod == pod.replace("http://localhost", "127.0.0.1")
    assert (first.sockets, first.resident_bytes, first.cpu_seconds) == (9, 150_000_000, 12.25)
    lines = (tmp_path / "pods.csv").read_text().splitlines()
    assert lines[0] == "at,pod,sockets,resident_bytes,cpu_seconds"
    assert len(lines) == len(vitals.seen) + 1


HOLD = [Phase("ramp", 0, 10), Phase("hold", 10, 20), Phase("settle", 20, 30)]


def test_a_pod_comes_to_what_it_grew_by() -> None:
    seen = [
        Vital(0.0, "a", 0, 100_000, 1.0),
        Vital(0.5, "b", 0, 70_000, 0.0),
        Vital(10.0, "a", 10, 200_000, 3.0),
        Vital(20.0, "a", 5, 150_000, 6.0),
        Vital(30.0, "a", 5, 150_000, 6.1),
    ]
    busy, idle = of_pods(seen, HOLD)
    assert (busy.pod, busy.sockets_max, busy.bytes_per_socket) == ("a", 10, 10_000)
    assert (busy.resident_bytes_at_start, busy.resident_bytes_at_most) == (100_000, 200_000)
    assert (busy.cpu_percent, busy.held_bytes) == (30, -50_000), "of the hold alone"
    assert (idle.bytes_per_socket, idle.cpu_percent, idle.held_bytes) == (None, None, None)


def test_what_a_socket_takes_is_not_guessed_from_a_pod_that_was_full_before() -> None:
    seen = [Vital(0.0, "a", 5, 190_000, 1.0), Vital(10.0, "a", 10, 200_000, 3.0)]
    [pod] = of_pods(seen, [])
    assert (pod.bytes_per_socket, pod.cpu_percent) == (None, None)


def test_what_was_written_is_read_again(pod: str, tmp_path: Path) -> None:
    with Vitals(found_at([pod]), tmp_path / "pods.csv") as vitals:
        pass
    assert recorded(tmp_path / "pods.csv") == {vitals.seen[0].pod: vitals.seen}
    assert recorded(tmp_path / "none.csv") == {}
