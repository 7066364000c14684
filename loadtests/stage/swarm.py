"""Locust in a process of its own, and its workers in theirs."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from typing import Final

from loadtests.stage.plan import ROOT, Plan
from loadtests.stage.stages import Stage
from loadtests.swarm.run.command import command
from tests.e2e.node_process import free_port
from tests.servers.processes import children_of

JUDGED: Final = (0, 1)
"""The exit status of a run whose gates hold, and of one whose do not."""

END_SECONDS: Final = 90.0
"""Locust waits a minute at most for workers whose users do not end."""

WORKERS_SECONDS: Final = 60
"""Workers have come by then, or never will."""


class Swarm:
    """A run's processes, from their start to their end."""

    def __init__(self, plan: Plan, stage: Stage) -> None:
        self._process = subprocess.Popen(
            command_of(plan, stage.url),
            cwd=ROOT,
            env={**os.environ, "WHATCHAT_JWT_SECRET": stage.secret},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,  # the terminal's Ctrl-C is passed on by whoever started it
        )

    def lines(self) -> Iterator[str]:
        """All that it says until it ends."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            yield line.rstrip()

    def pids(self) -> list[int]:
        """Its processes now."""
        with contextlib.suppress(OSError):
            return [self._process.pid, *children_of(self._process.pid)]
        return []

    def interrupt(self) -> None:
        """Have it end as by Ctrl-C: it leaves its report."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    def wait(self) -> None:
        """Return once it has ended; what will not end is ended by :meth:`close`."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)

    def troubles(self) -> list[str]:
        """What its end says, once it is closed: it has judged, or it has failed."""
        status = self._process.returncode
        return [] if status in JUDGED else [f"Locust ended with status {status}"]

    def close(self) -> None:
        """End whatever is left of it at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()


def command_of(plan: Plan, url: str) -> list[str]:
    """What is run, as anybody could by hand."""
    port = str(free_port())
    return [
        *command(plan.scenario, host=url, shards=plan.workers, out=plan.out),
        *("--skip-log-setup", "--run-time", f"{plan.most_seconds}s", "--checked"),
        *(("--processes", str(plan.workers)) if plan.workers > 1 else ()),
        *("--expect-workers-max-wait", str(WORKERS_SECONDS)),
        *("--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--master-port", port),
        *("--settle", f"{plan.settle_seconds:g}"),
        *(part for gate in plan.gates for part in ("--gate", gate)),
        *plan.extra,
    ]
