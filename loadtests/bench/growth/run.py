"""A run: every curve in every round."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import NamedTuple

from loadtests.bench.client import Refused
from loadtests.bench.durable.parts import Parts, running
from loadtests.bench.growth.place import Place
from loadtests.bench.growth.plan import Plan, Work
from loadtests.bench.growth.samples import Failure, Point
from loadtests.bench.growth.works import parts_of
from loadtests.bench.process import LOAD_CORE, pinned

Told = Callable[[str], None]
Opener = Callable[[], AbstractContextManager[Parts]]


class Outcome(NamedTuple):
    """All that a run has brought; ``versions`` are those of the servers."""

    points: list[Point]
    failures: list[Failure]
    versions: dict[str, str]


def run(plan: Plan, tell: Told) -> Outcome:
    """Do what was planned, saying how it goes, one line for each point."""
    outcome = Outcome([], [], {})
    with pinned(LOAD_CORE), _opener(plan, outcome.versions) as opened:
        for number in range(1, plan.rounds + 1):
            for work in plan.works:
                try:
                    for part in parts_of(work, plan):
                        with opened() as parts:
                            places = part(parts, plan)
                            outcome.points.extend(_points(number, work, places, tell))
                except (Refused, AssertionError, OSError) as error:
                    outcome.failures.append(Failure(round=number, work=work, reason=str(error)))
                    tell(f"round {number}, {work}: failed: {error}")
    return outcome


def _points(number: int, work: Work, places: Iterable[Place], tell: Told) -> Iterator[Point]:
    for series, x, found, backlog in places:
        words = ", ".join(f"{measure} {value:.4g}" for measure, value in found.items())
        tell(f"round {number}, {work} {x}, {series} {backlog or ''}: {words}")
        yield Point(round=number, work=work, series=series, x=x, backlog=backlog, found=found)


@contextmanager
def _opener(plan: Plan, versions: dict[str, str]) -> Iterator[Opener]:
    """What gives a part its MongoDB and Redis: fresh ones, or always the same."""
    with ExitStack() as stack:
        shared = stack.enter_context(running()) if plan.shared else None

        @contextmanager
        def opened() -> Iterator[Parts]:
            with nullcontext(shared) if shared else running() as parts:
                versions.update(parts.versions)
                yield parts

        yield opened
