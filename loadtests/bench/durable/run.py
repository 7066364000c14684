"""A run: every server does every work in every round, each time started anew."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from loadtests.bench.client import Refused
from loadtests.bench.durable.parts import running
from loadtests.bench.durable.plan import Plan, Work
from loadtests.bench.durable.samples import Failure, Sample
from loadtests.bench.durable.works import WORKS
from loadtests.bench.plan import ServerName
from loadtests.bench.process import LOAD_CORE, pinned


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
        for turn in _turns(plan):
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
        for work in plan.common_works:
            for server in plan.servers[first:] + plan.servers[:first]:
                yield _Turn(number + 1, work, server)
