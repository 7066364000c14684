"""A run: every server does every work in every round, each time started anew."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from loadtests.bench.client import Refused
from loadtests.bench.durable.parts import running
from loadtests.bench.durable.plan import Plan
from loadtests.bench.durable.samples import Failure, Sample
from loadtests.bench.durable.works import WORKS
from loadtests.bench.process import LOAD_CORE, pinned
from loadtests.bench.turns import turns


class Outcome(NamedTuple):
    """All that a run has brought; ``versions`` are those of the servers."""

    samples: Sequence[Sample]
    failures: Sequence[Failure]
    versions: dict[str, str]


def run(plan: Plan, tell: Callable[[str], None]) -> Outcome:
    """Do what was planned, saying how it goes, one line for each turn."""
    samples: list[Sample] = []
    failures: list[Failure] = []
    versions: dict[str, str] = {}
    with pinned(LOAD_CORE):
        for turn in turns(plan.rounds, plan.common_works, plan.servers):
            try:
                with running(turn.server) as parts:
                    versions |= parts.versions
                    found = WORKS[turn.work](parts, plan)
                    parts.expect_all_up()
            except (Refused, AssertionError, OSError) as error:
                failures.append(Failure(**turn._asdict(), reason=str(error)))
                tell(f"{turn}: failed: {error}")
            else:
                samples += [
                    Sample(**turn._asdict(), measure=measure, value=value)
                    for measure, value in found.items()
                ]
                words = (f"{measure} {value:.4g}" for measure, value in found.items())
                tell(f"{turn}: {', '.join(words)}")
    return Outcome(samples, failures, versions)
