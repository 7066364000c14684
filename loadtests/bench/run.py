"""A run: every server does every work in every round, in turn."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from loadtests.bench.client import Refused
from loadtests.bench.plan import Plan, ServerName, Work
from loadtests.bench.process import LOAD_CORE, pinned
from loadtests.bench.program import CannotStart
from loadtests.bench.samples import Failure, Sample
from loadtests.bench.servers import running
from loadtests.bench.siege import BrokenOff
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


class _Turn(NamedTuple):
    round: int
    work: Work
    server: ServerName

    def __str__(self) -> str:
        return f"round {self.round}, {self.work}, {self.server}"


def _turns(plan: Plan) -> Iterator[_Turn]:
    """Servers take turns within each work; who begins changes with the round."""
    for number in range(plan.rounds):
        first = number % len(plan.servers)
        for work in plan.works:
            for server in plan.servers[first:] + plan.servers[:first]:
                if server in ABLE.get(work, plan.servers):
                    yield _Turn(number + 1, work, server)


def _measure(turn: _Turn, plan: Plan) -> list[Sample]:
    with running(turn.server, redis=plan.redis) as server:
        measured = WORKS[turn.work](server, plan)
    return [
        Sample(**turn._asdict(), measure=measure, value=value)
        for measure, value in measured.items()
    ]


def _in_words(sample: Sample) -> str:
    return f"{sample.measure} {sample.value:.4g}"
