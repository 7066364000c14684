"""A folder as a run leaves it: made up, of a rollout under load."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path

START = 1_800_000_000
SECONDS = 120
USERS = 9_000
RAMP, WARM, DISTURBED, SETTLE = 40, 50, (60, 85), 105
COLUMNS = ["Timestamp", "User Count", "Type", "Name", "50%", "95%", "99%"]
PHASES = [
    {"name": "ramp", "start": START, "end": START + RAMP},
    {"name": "warm", "start": START + RAMP, "end": START + WARM},
    {"name": "hold", "start": START + WARM, "end": START + SETTLE},
    {"name": "rollout", "start": START + DISTURBED[0], "end": START + DISTURBED[1]},
    {"name": "settle", "start": START + SETTLE, "end": START + SECONDS},
]
GATES = [
    {"name": "connect_p99", "bound": 2000, "value": 41, "holds": True},
    {"name": "delivery_p99", "bound": 250, "value": 180, "holds": True},
]


EMPTY = ("connects", "acks", "deliveries", "warming", "reconnects", "tally")


def leave(folder: Path, **different: object) -> Path:
    """Write all files there; ``different`` is what the summary has besides or instead."""
    said = {
        "scenario": "rollout",
        "host": "http://localhost:8000",
        "users": USERS,
        "workers": 2,
        "started": "2027-01-15T08:00:00Z",
        "seconds": SECONDS,
        "passed": True,
        "phases": PHASES,
        "gates": GATES,
        "messages": {"accepted": 100, "perSecond": 1.5},
        "failures": [],
        **{name: {} for name in EMPTY},
        **different,
    }
    (folder / "summary.json").write_text(json.dumps(said))
    _table(folder / "locust_stats_history.csv", COLUMNS, _history())
    columns = ["at", "pod", "sockets", "resident_bytes", "cpu_seconds"]
    _table(folder / "pods.csv", columns, _pods())
    return folder


def users_at(second: int) -> int:
    return min(USERS, USERS * second // RAMP)


def _history() -> Iterable[list[object]]:
    for second in range(0, SECONDS, 2):
        at, users = START + second, users_at(second)
        missed = DISTURBED[0] < second < DISTURBED[1]
        slow = 40 if missed else 1
        talking = WARM < second < SETTLE
        delivered = [2 * slow, 9 * slow, 30 * slow] if talking else ["N/A"] * 3
        yield [at, users, "delivery", "message:new", *delivered]
        if RAMP < second <= WARM:
            yield [at, users, "warming", "message:new", 3, 12, 40]
        connects = [2, 8, 20 + second % 20] if second <= RAMP else [0] * 3
        yield [at, users, "connect", "websocket", *connects]
        back = [120, 400, 900 + second] if missed else ["N/A"] * 3
        yield [at, users, "reconnect", "resume", *back]
        yield [at, users, "", "Aggregated", 2, 9, 30]


def _pods() -> Iterable[list[object]]:
    for second in range(0, SECONDS, 2):
        left = max(0.0, min(1.0, (DISTURBED[1] - second) / (DISTURBED[1] - DISTURBED[0])))
        for number in range(6):
            old = number < 3
            if second > DISTURBED[1] + 4 if old else second < DISTURBED[0] - 6:
                continue
            sockets = int(users_at(second) / 3 * (left if old else 1 - left))
            kept = users_at(second) // 3 if old else sockets
            resident = 104_000_000 + 11_000 * kept + 150_000 * (second % 7)
            yield [START + second, f"pod-{number + 1}", sockets, resident, second * 0.4]


def _table(path: Path, columns: list[str], rows: Iterable[list[object]]) -> None:
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(columns)
        table.writerows(rows)
