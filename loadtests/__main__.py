"""``python -m loadtests SCENARIO``: play a scenario with Locust, and judge it.

Without --host it starts a cluster of its own on this machine: MongoDB, Redis, pods, a worker and
HAProxy, all real. It ends with 0 if every gate holds, with 1 if one does not, and with 2 if it was
not begun.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from loadtests.stage.elsewhere import Elsewhere
from loadtests.stage.fixed import Shape, fixed
from loadtests.stage.plan import Plan, workers_for
from loadtests.stage.report import report
from loadtests.stage.rolling import rolling
from loadtests.stage.run import draw, prepare, run
from loadtests.stage.stages import Stage
from loadtests.swarm.options import SETTLE_SECONDS
from loadtests.swarm.repertoire import about, names, scenario
from loadtests.swarm.run.preflight import Unfit, not_begun
from loadtests.swarm.run.summary import Summary
from loadtests.swarm.run.verdict import gates_of
from loadtests.swarm.scenario import sized
from tests.servers.by_hand import CannotStart, tell
from whatchat.domain.errors import ChatError
from whatchat.entrypoints.server import raise_descriptor_limit
from whatchat.settings import BadSetting

RESULTS: Final = Path("load-results")

NOT_TO_BE: Final = (Unfit, CannotStart, BadSetting, ChatError, ValueError, RuntimeError)
"""Why a run is not begun; the last is what a program that is missing is told by."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says."""
    given = _arguments(arguments)
    for kind in (signal.SIGINT, signal.SIGTERM):  # also if whoever started this ignores them
        signal.signal(kind, signal.default_int_handler)
    raise_descriptor_limit()
    with ExitStack() as ends:
        try:
            plan = _plan(given)
            stage = ends.enter_context(_stage(plan, given))
            tell(f"{plan.scenario.name}: {about(plan.scenario.name)}")
            tell(f"{plan.scenario.users:,} people from {plan.workers} processes to {stage.url}")
            prepare(plan, stage, tell, unchecked=given.unchecked)
        except NOT_TO_BE as error:
            return not_begun(str(error))
        except KeyboardInterrupt:
            return not_begun("interrupted")
        found = run(plan, stage, tell)
    return _told(found, plan.out)


def _told(found: Summary | None, out: Path) -> int:
    if found is None:
        tell("Locust left no results")
        return 1
    draw(out, tell)
    tell(report(found))
    tell(f"written to {out}/")
    return 0 if found.passed else 1


def _plan(given: argparse.Namespace) -> Plan:
    found = sized(
        scenario(given.scenario),
        users=given.users,
        spawn_rate=given.spawn_rate,
        warm=given.warm,
        hold=given.hold,
        message_rate=given.rate,
    )
    gates_of(found, given.gate)
    if given.direct and found.disturbance == "rollout":
        raise ValueError("a rollout needs several pods and a proxy before them: not --direct")
    if given.disturb and not given.host:
        raise ValueError(
            "--disturb is for a cluster elsewhere: one of its own is not disturbed by it"
        )
    if given.host and found.is_done_to_servers and not given.disturb:
        raise ValueError(f"{found.name} elsewhere needs --disturb, with what is to be done there")
    return Plan(
        scenario=found,
        workers=given.workers or workers_for(found),
        settle_seconds=given.settle,
        gates=given.gate,
        out=(given.out or RESULTS / found.name).absolute(),
        disturbed=bool(given.disturb),
        extra=given.locust,
    )


@contextmanager
def _stage(plan: Plan, given: argparse.Namespace) -> Iterator[Stage]:
    if given.host:
        yield _elsewhere(plan, given)
        return
    folder = given.dir or Path(tempfile.mkdtemp(prefix="whatchat-load-"))
    tell(f"starting a cluster of its own; logs are in {folder}")
    with _here(plan, given, folder) as stage:
        yield stage
        keep = given.dir or stage.troubles()
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)


def _elsewhere(plan: Plan, given: argparse.Namespace) -> Elsewhere:
    return Elsewhere(
        given.host,
        store_url=given.store,
        secret=os.environ.get("WHATCHAT_JWT_SECRET", ""),
        pods=[url for url in given.pods.split(",") if url],
        command=given.disturb,
        disturbance=plan.scenario.disturbance,
    )


@contextmanager
def _here(plan: Plan, given: argparse.Namespace, folder: Path) -> Iterator[Stage]:
    proxies = 0 if given.direct else given.proxies
    pods = 1 if given.direct else given.pods_count
    disturbance = plan.scenario.disturbance
    if disturbance == "rollout":
        with rolling(
            folder, pods=pods, proxies=proxies, mongo_nodes=given.mongo_nodes, short=given.short
        ) as stage:
            yield stage
        return
    shape = Shape(
        pods=pods,
        proxies=proxies,
        mongo_nodes=given.mongo_nodes,
        sentinels=disturbance == "failover",
    )
    with fixed(shape, folder) as cluster:
        yield cluster


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    ours, extra = _parted(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="python -m loadtests",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="What follows -- goes to Locust as it is. WHATCHAT_JWT_SECRET signs people in.",
    )
    parser.add_argument("scenario", help=f"one of {', '.join(names())}")
    _add_size(parser.add_argument_group("the run").add_argument)
    _add_elsewhere(parser.add_argument_group("a cluster elsewhere").add_argument)
    _add_here(parser.add_argument_group("a cluster of its own").add_argument)
    given = parser.parse_args(ours)
    given.locust = extra
    return given


def _add_size(add: Callable[..., object]) -> None:
    add("--users", type=_some, help="how many; the scenario's own number if not given")
    add("--spawn-rate", type=float, help="how many of them come in a second")
    add("--rate", type=float, help="messages a second, all together; else in proportion to users")
    add("--warm", type=float, help="seconds before the hold in which messages become so many")
    add("--hold", type=float, help="seconds during which all are there and talk")
    add("--settle", type=float, default=SETTLE_SECONDS, help="seconds of silence after that")
    add("--workers", type=_some, help="processes that play people; at most one a core if not given")
    add("--gate", action="append", default=[], help="another bound, such as delivery_mean=80")
    add("--out", type=Path, help="folder for the results; load-results/SCENARIO if not given")
    add("--unchecked", action="store_true", help="begin even if that seems to be in vain")


def _add_elsewhere(add: Callable[..., object]) -> None:
    add("--host", default="", help="URL at which people come to it")
    add(
        "--store",
        default=os.environ.get("WHATCHAT_STORE_URL", ""),
        help="its WHATCHAT_STORE_URL, where people are put first; else they have to be there",
    )
    add("--pods", default="", help="URLs of pods' metrics, commas between; a name may be many pods")
    add("--disturb", default="", help="shell command, run in the hold, that ends once all is done")


def _add_here(add: Callable[..., object]) -> None:
    add("--pods-count", type=_some, default=2, help="how many pods")
    add("--proxies", type=_some, default=2, help="HAProxy processes on one port")
    add("--direct", action="store_true", help="one pod and no proxy")
    add("--mongo-nodes", type=_some, default=1, help="nodes of MongoDB's replica set")
    add("--short", action="store_true", help="rollout: short times in place of the chart's own")
    add("--dir", type=Path, help="folder for its data and logs, which stay")


def _parted(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """What is for us, and what for Locust."""
    given = list(arguments)
    at = given.index("--") if "--" in given else len(given)
    return given[:at], given[at + 1 :]


def _some(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
