"""``python -m loadtests.job SCENARIO``: a run in a cluster, of which this is Locust's master.

Workers are pods of their own, and people have been seeded. It waits for the servers' pods, plays,
watches their memory, and leaves everything in a folder. It ends with 0 if every gate holds, with 1
if one does not, and with 2 if it was not begun. What is not named here goes to Locust as it is.
"""

import argparse
import http.client
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from loadtests.swarm.repertoire import scenario
from loadtests.swarm.run import results, vitals
from loadtests.swarm.run import summary as summaries
from loadtests.swarm.run.command import command
from loadtests.swarm.run.preflight import not_begun
from loadtests.swarm.run.vitals import Vitals, Where, found_at
from loadtests.swarm.scenario import sized
from loadtests.swarm.views import pictures

ASK_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says."""
    given, extra = _arguments(arguments)
    pods = found_at(given.pods.split(","))
    try:
        play = [*_command(given), *extra]
        _wait_for(pods, given.expect_pods, given.wait)
    except (TimeoutError, ValueError) as error:
        return not_begun(str(error))
    out: Path = given.out
    results.clear(out)
    with Vitals(pods, out / vitals.FILE) as seen:
        status = _played(play)
    return _kept(out, seen) if status in (0, 1) else status


def _command(given: argparse.Namespace) -> list[str]:
    """What is run. Raises ``ValueError`` if there is no such scenario, or nobody to disturb it."""
    found = sized(
        scenario(given.scenario), users=given.users or None, spawn_rate=given.spawn_rate or None
    )
    if found.is_done_to_servers and not given.disturbed_by_hand:
        raise ValueError(
            f"nothing here causes a {found.disturbance}: say --disturbed-by-hand, and"
            " do it once the log says hold"
        )
    return [
        *command(found, host=given.host, shards=given.workers, out=given.out),
        *("--master", "--expect-workers", str(given.workers)),
        *("--expect-workers-max-wait", str(max(1, round(given.wait)))),
    ]


def _wait_for(pods: Where, expected: int, seconds: float) -> None:
    """Return once so many pods are there and all are ready. Raises ``TimeoutError``."""
    end = time.monotonic() + seconds
    while True:
        found = pods()
        ready = sum(map(_is_ready, found.values()))
        if len(found) == ready >= expected:
            return
        if time.monotonic() > end:
            raise TimeoutError(
                f"{ready} of {len(found)} pods are ready, and {expected} are to be there"
            )
        time.sleep(LOOK_SECONDS)


def _is_ready(url: str) -> bool:
    with suppress(OSError, http.client.HTTPException):
        asked = http.client.HTTPConnection(url.partition("//")[2], timeout=ASK_SECONDS)
        asked.request("GET", "/readyz", headers={"Connection": "close"})
        return asked.getresponse().status == 200
    return False


def _played(command: Sequence[str]) -> int:
    """Locust's exit status; whoever ends this process ends it as by Ctrl-C, with a report."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    for kind in (signal.SIGTERM, signal.SIGINT):
        signal.signal(kind, lambda *_: process.send_signal(signal.SIGINT))
    return process.wait()


def _kept(out: Path, seen: Vitals) -> int:
    """Complete what Locust left, draw it and show it; the run's verdict."""
    try:
        found = summaries.read(out)
    except OSError:
        sys.stderr.write("Locust left no results\n")
        return 1
    whole = msgspec.structs.replace(found, pods=vitals.of_pods(seen.seen, found.phases))
    summaries.write(whole, out)
    pictures.main([str(out)])
    sys.stdout.write((out / summaries.FILE).read_text())
    return 0 if whole.passed else 1


def _arguments(arguments: Sequence[str] | None) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        prog="python -m loadtests.job",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("scenario")
    add("--host", required=True, help="URL at which people come")
    add("--pods", required=True, help="URLs of pods' metrics, commas between; a name may be many")
    add("--expect-pods", type=int, default=1, help="how many pods there are to be")
    add("--wait", type=float, default=600, help="seconds to wait for them, and then for workers")
    add("--workers", type=int, default=1, help="pods that play people")
    add("--users", type=int, default=0, help="how many people; 0: as the scenario has it")
    add("--spawn-rate", type=float, default=0, help="how many come a second; 0: as it has it")
    add("--disturbed-by-hand", action="store_true", help="somebody does what the scenario needs")
    add("--out", type=Path, default=Path("load-results"), help="folder for the results")
    return parser.parse_known_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
