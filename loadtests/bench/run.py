"""A run: every server does every work in every round, in turn."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from loadtests.bench.client import Refused
from loadtests.bench.plan import Plan, Work
from loadtests.bench.process import LOAD_CORE, pinned
from loadtests.bench.program import CannotStart
from loadtests.bench.samples import Failure, Sample
from loadtests.bench.servers import running
from loadtests.bench.siege import BrokenOff
from loadtests.bench.turns import Turn, turns
from loadtests.bench.works import ABLE, WORKS


class Outcome(NamedTuple):
    """All that a run has brought."""

    samples: Sequence[Sample]
    failures: Sequence[Failure]


def run(plan: Plan, tell: Callable[[str], None]) -> Outcome:
    """Do what was planned, saying how it goes, one line for each turn."""
    samples: list[Sample] = []
    failures: list[Failure] = []
    with pinned(LOAD_CORE):
        for turn in _turns(plan):
            try:
                measured = _measure(turn, plan)
            except (Refused, CannotStart, BrokenOff, OSError) as error:
                failures.append(Failure(**turn._asdict(), reason=str(error)))
                tell(f"{turn}: failed: {error}")
            else:
                samples += measured
                tell(f"{turn}: {', '.join(map(_in_words, measured))}")
    return Outcome(samples, failures)


def _turns(plan: Plan) -> Iterator[Turn[Work]]:
    """Those of servers that are able."""
    for turn in turns(plan.rounds, plan.works, plan.servers):
        if turn.server in ABLE.get(turn.work, plan.servers):
            yield turn


def _measure(turn: Turn[Work], plan: Plan) -> list[Sample]:
    with running(turn.server, redis=plan.redis) as server:
        measured = WORKS[turn.work](server, plan)
    return [
        Sample(**turn._asdict(), measure=measure, value=value)
        for measure, value in measured.items()
    ]


def _in_words(sample: Sample) -> str:
    return f"{sample.measure} {sample.value:.4g}"
