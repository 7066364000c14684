"""One run: people are seeded, Locust plays them, pods are watched, and what was found is kept."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import msgspec

from loadtests.stage.disturbance import Disturbance
from loadtests.stage.machine import described
from loadtests.stage.plan import ROOT, Plan
from loadtests.stage.processors import Processors
from loadtests.stage.stages import Stage
from loadtests.stage.swarm import Swarm
from loadtests.swarm.cast import Cast
from loadtests.swarm.run import results, vitals
from loadtests.swarm.run import summary as summaries
from loadtests.swarm.run.course import hold_of
from loadtests.swarm.run.preflight import check, of_run, reach
from loadtests.swarm.run.progress import phase_of
from loadtests.swarm.run.summary import Summary
from loadtests.swarm.run.vitals import Vitals
from loadtests.swarm.seeding import seed

PICTURE_SECONDS: Final = 120.0

Tell = Callable[[str], None]


def prepare(plan: Plan, stage: Stage, tell: Tell, *, unchecked: bool = False) -> None:
    """Seed, and look whether anything would spoil the run. Raises ``Unfit``, ``ChatError``."""
    scenario = plan.scenario
    coming = of_run(
        scenario,
        host=stage.url,
        secret=stage.secret,
        users=scenario.users,
        workers=plan.workers,
    )
    if not unchecked:
        reach(coming)
    if stage.store_url:
        cast = Cast(scenario.users, shards=plan.workers, layout=scenario.layout)
        asyncio.run(seed(stage.store_url, cast, "", tell))
    if not unchecked:
        check(coming)


def run(plan: Plan, stage: Stage, tell: Tell) -> Summary | None:
    """Do it, and leave everything in the plan's folder; ``None`` if Locust left nothing.

    An interruption ends it early, and what there is by then is kept.
    """
    results.clear(plan.out)
    disturbance = _disturbance(plan, stage)
    with ExitStack() as ends:
        swarm = Swarm(plan, stage)
        ends.callback(swarm.close)
        seen = ends.enter_context(Vitals(stage.pods, plan.out / vitals.FILE))
        used = ends.enter_context(Processors(lambda: _parts(stage, swarm)))
        try:
            _follow(swarm, disturbance, tell)
        except KeyboardInterrupt:
            tell("interrupted: ending, and keeping what there is")
            swarm.interrupt()
            _rest(swarm, tell)
        swarm.wait()
        if disturbance:
            disturbance.call_off()
    troubles = [*swarm.troubles(), *stage.troubles()]
    return _kept(plan, troubles, described(stage.versions()), seen, used, disturbance)


def draw(folder: Path, tell: Tell) -> None:
    """Make the pictures of a run."""
    command = [sys.executable, "-m", "loadtests.swarm.views.pictures", str(folder)]
    with contextlib.suppress(subprocess.TimeoutExpired):
        ended = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=PICTURE_SECONDS, check=False
        )
        if ended.returncode:
            tell(f"no pictures: {(ended.stderr.strip().splitlines() or ['?'])[-1]}")


def _disturbance(plan: Plan, stage: Stage) -> Disturbance | None:
    scenario = plan.scenario
    if not scenario.is_done_to_servers and not plan.disturbed:
        return None
    name = scenario.disturbance if scenario.is_done_to_servers else "disturbance"
    return Disturbance(name, stage, scenario.hold_seconds)


def _follow(swarm: Swarm, disturbance: Disturbance | None, tell: Tell) -> None:
    for line in swarm.lines():
        tell(line)
        if disturbance and phase_of(line) == "hold":
            disturbance.hold_begins()


def _rest(swarm: Swarm, tell: Tell) -> None:
    """Hear it out; whoever interrupts once more wants that to end as well."""
    with contextlib.suppress(KeyboardInterrupt):
        for line in swarm.lines():
            tell(line)


def _parts(stage: Stage, swarm: Swarm) -> Mapping[str, Collection[int]]:
    return {**stage.processes(), "load": swarm.pids()}


def _kept(
    plan: Plan,
    troubles: list[str],
    machine: Mapping[str, object],
    seen: Vitals,
    used: Processors,
    disturbance: Disturbance | None,
) -> Summary | None:
    try:
        found = summaries.read(plan.out)
    except OSError:
        return None
    troubles = [*troubles, *(disturbance.troubles() if disturbance else ())]
    whole = msgspec.structs.replace(
        found,
        phases=[*found.phases, *(disturbance.phases() if disturbance else ())],
        machine=machine,
        pods=vitals.of_pods(seen.seen, found.phases),
        cpu_seconds=used.seconds(),
        cores=used.cores(hold) if (hold := hold_of(found.phases)) else {},
        troubles=troubles,
        passed=found.passed and not troubles,
    )
    summaries.write(whole, plan.out)
    return whole
