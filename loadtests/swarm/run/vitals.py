"""What each pod takes during a run, from its own ``/metrics``: ``pods.csv``."""

import contextlib
import csv
import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple, Self
from urllib.parse import urlsplit

from loadtests.swarm.run.course import Phase, hold_of
from loadtests.swarm.run.summary import PodVitals

FILE: Final = "pods.csv"
EVERY_SECONDS: Final = 2.0
ASK_SECONDS: Final = 5.0
AT_ONCE: Final = 16
FEW: Final = 0.1
"""With less than such a share of a pod's most sockets, what each of them takes is noise."""

SOCKETS: Final = "whatchat_connected_sockets"
RESIDENT: Final = "process_resident_memory_bytes"
CPU: Final = "process_cpu_seconds_total"

Where = Callable[[], Mapping[str, str]]
"""Each pod that there is now by its name, and where its metrics are."""


class Vital(NamedTuple):
    """How a pod was at a time, in epoch seconds; the columns of the file."""

    at: float
    pod: str
    sockets: int
    resident_bytes: int
    cpu_seconds: float


class Vitals:
    """Asks all pods every two seconds; one that does not answer is left out."""

    def __init__(self, where: Where, path: Path) -> None:
        self.seen: list[Vital] = []
        self._where = where
        self._path = path
        self._told = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="vitals", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._told.set()
        self._thread.join()

    def _watch(self) -> None:
        with self._path.open("w", newline="") as file, ThreadPoolExecutor(AT_ONCE) as pool:
            lines = csv.writer(file)
            lines.writerow(Vital._fields)
            while True:
                last = self._told.is_set()
                pods = dict(self._where())
                asked = pool.map(_asked, pods, pods.values())
                found = [vital for vital in asked if vital]
                self.seen += found
                lines.writerows(found)
                file.flush()
                if last:
                    return
                self._told.wait(EVERY_SECONDS)


def recorded(path: Path) -> dict[str, list[Vital]]:
    """What was written there, by pod in the order of their coming; nothing if there is no file.

    Raises ``KeyError`` and ``ValueError`` of what cannot be read.
    """
    if not path.exists():
        return {}
    with path.open(newline="") as lines:
        return _by_pod(map(_written, csv.DictReader(lines)))


def of_pods(seen: Iterable[Vital], phases: Iterable[Phase]) -> list[PodVitals]:
    """What each pod came to, in the order of their coming."""
    hold = hold_of(phases)
    return [_of_pod(vitals, hold) for vitals in _by_pod(seen).values()]


def was_empty(vitals: Sequence[Vital]) -> bool:
    """Whether a pod was seen before people came: else what it takes without them is unknown."""
    most = max(vital.sockets for vital in vitals)
    return vitals[0].sockets <= FEW * most


def found_at(urls: Sequence[str]) -> Where:
    """The pods behind URLs: one for each address that a name has at the time."""
    return lambda: {name: url for given in urls for name, url in _addresses(given)}


def read(url: str) -> Mapping[str, float]:
    """The sums of all samples of each metric. Raises ``OSError``."""
    parts = urlsplit(url)
    asked = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=ASK_SECONDS)
    with contextlib.closing(asked):
        try:
            asked.request("GET", "/metrics", headers={"Connection": "close"})
            answer = asked.getresponse()
            text = answer.read().decode() if answer.status == 200 else ""
        except http.client.HTTPException as error:
            raise OSError(str(error)) from error
    return _sums(text)


def _sums(exposition: str) -> dict[str, float]:
    sums: dict[str, float] = {}
    for line in exposition.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            bare = name.partition("{")[0]
            sums[bare] = sums.get(bare, 0.0) + float(value)
    return sums


def _asked(pod: str, url: str) -> Vital | None:
    with contextlib.suppress(OSError, ValueError):
        found = read(url)
        if RESIDENT in found:
            sockets = int(found.get(SOCKETS, 0))
            return Vital(time.time(), pod, sockets, int(found[RESIDENT]), found.get(CPU, 0.0))
    return None


def _addresses(url: str) -> list[tuple[str, str]]:
    parts = urlsplit(url)
    port = parts.port or 80
    with contextlib.suppress(OSError):
        found = socket.getaddrinfo(parts.hostname, port, socket.AF_INET, socket.SOCK_STREAM)
        hosts = sorted({str(address[0]) for *_, address in found})
        return [(f"{host}:{port}", f"http://{host}:{port}") for host in hosts]
    return []


def _by_pod(seen: Iterable[Vital]) -> dict[str, list[Vital]]:
    found: dict[str, list[Vital]] = {}
    for vital in seen:
        found.setdefault(vital.pod, []).append(vital)
    return found


def _written(row: Mapping[str, str]) -> Vital:
    return Vital(
        at=float(row["at"]),
        pod=row["pod"],
        sockets=int(row["sockets"]),
        resident_bytes=int(row["resident_bytes"]),
        cpu_seconds=float(row["cpu_seconds"]),
    )


def _of_pod(vitals: Sequence[Vital], hold: Phase | None) -> PodVitals:
    first = vitals[0]
    most = max(vital.sockets for vital in vitals)
    peak = max(vital.resident_bytes for vital in vitals)
    held = [vital for vital in vitals if hold and hold.start <= vital.at <= hold.end]
    is_known = most > 0 and was_empty(vitals)
    return PodVitals(
        pod=first.pod,
        sockets_max=most,
        resident_bytes_at_start=first.resident_bytes,
        resident_bytes_at_most=peak,
        bytes_per_socket=round((peak - first.resident_bytes) / most) if is_known else None,
        cpu_percent=_cpu_percent(held[0], held[-1]) if len(held) > 1 else None,
        held_bytes=held[-1].resident_bytes - held[0].resident_bytes if len(held) > 1 else None,
    )


def _cpu_percent(first: Vital, last: Vital) -> float:
    return round(100 * (last.cpu_seconds - first.cpu_seconds) / (last.at - first.at), 1)
