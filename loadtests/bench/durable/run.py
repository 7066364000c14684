"""A run: every work in every round, each on fresh servers."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from loadtests.bench.client import Refused
from loadtests.bench.durable.parts import running
from loadtests.bench.durable.plan import Plan, Work
from loadtests.bench.durable.samples import Failure, Sample
from loadtests.bench.durable.works import WORKS, Measured
from loadtests.bench.process import LOAD_CORE, pinned


class Outcome(NamedTuple):
    """All that a run has brought; ``versions`` are those of the servers."""

    samples: Sequence[Sample]
    failures: Sequence[Failure]
    versions: dict[str, str]


def run(plan: Plan, tell: Callable[[str], None]) -> Outcome:
    """Do what was planned, saying how it goes, one line for each work."""
    samples: list[Sample] = []
    failures: list[Failure] = []
    versions: dict[str, str] = {}
    with pinned(LOAD_CORE):
        for number, work in _turns(plan):
            try:
                with running() as parts:
                    versions |= parts.versions
                    found = WORKS[work](parts, plan)
            except (Refused, AssertionError, OSError) as error:
                failures.append(Failure(round=number, work=work, reason=str(error)))
                tell(f"round {number}, {work}: failed: {error}")
            else:
                samples += _samples(number, work, found)
                words = (f"{measure} {value:.4g}" for measure, value in found.items())
                tell(f"round {number}, {work}: {', '.join(words)}")
    return Outcome(samples, failures, versions)


def _turns(plan: Plan) -> Iterator[tuple[int, Work]]:
    for number in range(1, plan.rounds + 1):
        for work in plan.works:
            yield number, work


def _samples(number: int, work: Work, found: Measured) -> list[Sample]:
    return [
        Sample(round=number, work=work, measure=measure, value=value)
        for measure, value in found.items()
    ]
