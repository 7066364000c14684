"""A line every few seconds that says how a run goes."""

import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Final, get_args

from locust.env import Environment

from loadtests.swarm.run.course import Course, PhaseName
from loadtests.swarm.run.times import merged
from loadtests.swarm.tally import Tally, tallies
from loadtests.swarm.timings import DELIVERY, WARMING

EVERY_SECONDS: Final = 3.0
"""As often as workers report."""

COMPARED: Final = 4
"""Rates are of the time since so many lines before: of one line alone they would be too uneven."""


class Progress:
    """Compares what was counted with what was at the line before."""

    def __init__(
        self, environment: Environment, course: Course, tell: Callable[[str], None] | None = None
    ) -> None:
        self._environment = environment
        self._course = course
        self._tell = tell or _say
        self._told_at = 0.0
        self._phase = ""
        self._before: deque[tuple[float, Tally]] = deque(maxlen=COMPARED)

    def look(self) -> None:
        """Say something if it is time to, or if another phase has begun."""
        phase, now = self._course.phase, time.monotonic()
        if not self._course.begun:
            return
        if phase != self._phase or now - self._told_at >= EVERY_SECONDS:
            self._tell(self._line(phase, now))
            self._phase, self._told_at = phase, now

    def _line(self, phase: PhaseName, now: float) -> str:
        total = tallies(self._environment).total
        self._before.append((now, total))
        begun, before = self._before[0]
        seconds = now - begun
        accepted = _rate(total.accepted - before.accepted, seconds)
        delivered = _rate(total.delivered - before.delivered, seconds)
        runner = self._environment.runner
        users = runner.user_count if runner else 0
        return (
            f"{phase:<6} {self._course.seconds:5.0f} s  users {users:,}  "
            f"connected {total.connected:,}  accepted {accepted}/s  delivered {delivered}/s  "
            f"{self._latency(phase)}failures {self._environment.stats.num_failures:,}"
        )

    def _latency(self, phase: PhaseName) -> str:
        stats, shown = self._environment.stats, WARMING if phase == "warm" else DELIVERY
        kept = [entry for (_, kind), entry in stats.entries.items() if kind == shown]
        now = [entry for entry in kept if entry.get_current_response_time_percentile(0.5)]
        if not now:
            return ""
        p50, p99 = (
            max(entry.get_current_response_time_percentile(part) or 0 for entry in now)
            for part in (0.5, 0.99)
        )
        return (
            f"p50 {p50:g} ms  p99 {p99:g} ms  mean {merged(stats, kept).avg_response_time:.1f} ms  "
        )


def phase_of(line: str) -> PhaseName | None:
    """Of which phase a line tells, if it is one of these."""
    word = line.partition(" ")[0]
    return next((name for name in get_args(PhaseName) if name == word), None)


def _rate(count: int, seconds: float) -> str:
    return f"{max(0, count) / seconds:,.0f}" if seconds else "0"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
