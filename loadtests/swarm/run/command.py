"""How Locust is started, on this machine or in a cluster."""

import math
import sys
from pathlib import Path

from loadtests.swarm.repertoire import locustfile
from loadtests.swarm.run.results import CSV, REPORT
from loadtests.swarm.scenario import Scenario


def command(scenario: Scenario, *, host: str, shards: int, out: Path) -> list[str]:
    """A scenario by its size, whose ``shards`` are played by as many processes; results in ``out``.

    What follows counts more than what is said here. Locust gives each process as many users as any
    other only if that leaves none over: whoever is one too many does nothing.
    """
    users = shards * math.ceil(scenario.users / shards)
    return [
        *(sys.executable, "-m", "locust", "--locustfile", str(locustfile(scenario.name))),
        *("--host", host, "--headless", "--only-summary"),
        *("--users", str(users), "--spawn-rate", f"{scenario.spawn_rate:g}"),
        *("--people", str(scenario.users), "--shards", str(shards)),
        *("--warm", f"{scenario.warm_seconds:g}", "--hold", f"{scenario.hold_seconds:g}"),
        *("--message-rate", f"{scenario.message_rate:g}"),
        *("--html", str(out / REPORT)),
        *("--csv", str(out / CSV), "--csv-full-history", "--out", str(out)),
    ]
