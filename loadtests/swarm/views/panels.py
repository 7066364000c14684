"""What pictures of a run show: who was there, what took how long, what memory it took."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from math import nan
from typing import Final

from matplotlib.axes import Axes

from loadtests.colours import INK, LIME, ROSE, SKY, SLATE, TEAL, VIOLET
from loadtests.swarm.run.vitals import FEW, Vital, was_empty
from loadtests.swarm.views.chart import Panel, bounded, divided, headed, legend, numbered, spanned
from loadtests.swarm.views.recording import Kind, Moment, Recording

QUIET: Final = frozenset({"ramp", "warm", "hold", "settle"})
"""Phases that every run has; any other is what was done to the servers meanwhile."""

TIMED: Final[Mapping[str, tuple[str, str]]] = {
    "connect": ("Connecting by {}, until the greeting", "connect_p99"),
    "delivery": ("Delivery of {}, from write to read", "delivery_p99"),
    "warming": ("Delivery of {} while they become ever more", ""),
    "reconnect": ("Coming back ({}), until all that was missed is there", ""),
}
"""What times are shown of, by Locust's type: a heading, and the gate that bounds the p99."""

PODS: Final = (TEAL, LIME, SLATE, SKY, ROSE, VIOLET)
"""One colour for each, again from the first if there are more."""

PAUSE_SECONDS: Final = 5.0
NARROW: Final = 0.05
"""Of a run: what is shorter has no room for its name."""

SINCE: Final = "seconds since the start"
_MB: Final = 1_000_000


def connections(recording: Recording) -> Iterator[Panel]:
    """Sockets over time, one pod's on another's, and the users that they should be."""
    if recording.users or recording.pods:
        yield partial(_connections, recording)


def times(recording: Recording) -> Iterator[Panel]:
    """Percentiles over time of each kind that was measured."""
    for of in TIMED:
        for kind in sorted(recording.moments):
            if kind[0] == of:
                yield partial(_times, recording, kind)


def memory(recording: Recording) -> Iterator[Panel]:
    """What each pod takes over time, and what each socket adds to it."""
    if recording.pods:
        yield partial(_resident, recording)
        if any(_per_socket(vitals) for vitals in recording.pods.values()):
            yield partial(_each, recording)


def _connections(recording: Recording, axes: Axes) -> None:
    ats = sorted({vital.at for vitals in recording.pods.values() for vital in vitals})
    if ats:
        counts = [_sockets(vitals, ats) for vitals in recording.pods.values()]
        since = [at - recording.start for at in ats]
        axes.stackplot(since, counts, labels=list(recording.pods), colors=PODS, linewidth=0)
    if recording.users:
        ats, users = map(list, zip(*recording.users, strict=True))
        since = [at - recording.start for at in ats]
        axes.plot(since, users, color=INK, linestyle="--", linewidth=1.4, label="users")
    _dressed(recording, axes, "Sockets of each pod, and users")
    numbered(axes.yaxis)


def _sockets(vitals: Sequence[Vital], ats: Sequence[float]) -> list[int]:
    """A pod's sockets at these times: as last seen; none before it came and after it went."""
    seen = {vital.at: vital.sockets for vital in vitals}
    found, now = [], 0
    for at in ats:
        now = seen.get(at, now)
        found.append(now if vitals[0].at <= at <= vitals[-1].at + PAUSE_SECONDS else 0)
    return found


def _times(recording: Recording, kind: Kind, axes: Axes) -> None:
    moments = list(_parted(recording.moments[kind]))
    since = [moment.at - recording.start for moment in moments]
    for name, colour in (("p50", SLATE), ("p95", LIME), ("p99", TEAL)):
        values = [getattr(moment, name) for moment in moments]
        axes.plot(since, values, color=colour, linewidth=1.6, label=name)
    axes.set_yscale("symlog", linthresh=1, linscale=0.3)
    heading, bounding = TIMED[kind[0]]
    for gate in recording.summary.gates:
        if gate.name == bounding:
            bounded(axes, gate.bound, f"p99 at most {gate.bound:,g} ms")
    _dressed(recording, axes, heading.format(kind[1]))
    numbered(axes.yaxis, " ms", room=2)


def _parted(moments: Sequence[Moment]) -> Iterator[Moment]:
    """With one of no number where there was nothing for a while: no line leads across."""
    before = moments[0]
    for moment in moments:
        if moment.at - before.at > PAUSE_SECONDS:
            yield Moment(before.at, nan, nan, nan)
        yield moment
        before = moment


def _resident(recording: Recording, axes: Axes) -> None:
    for colour, (pod, vitals) in zip(_colours(recording), recording.pods.items(), strict=True):
        since = [vital.at - recording.start for vital in vitals]
        axes.plot(since, [vital.resident_bytes / _MB for vital in vitals], color=colour, label=pod)
    _dressed(recording, axes, "Resident memory of each pod")
    numbered(axes.yaxis, " MB")


def _each(recording: Recording, axes: Axes) -> None:
    for colour, (pod, vitals) in zip(_colours(recording), recording.pods.items(), strict=True):
        points = sorted(_per_socket(vitals))
        if points:
            sockets, kilobytes = zip(*points, strict=True)
            axes.plot(sockets, kilobytes, ".", color=colour, markersize=4, label=pod)
    numbered(axes.xaxis)
    headed(axes, "Memory that each socket adds", "sockets of the pod")
    numbered(axes.yaxis, " KB")
    legend(axes)


def _per_socket(vitals: Sequence[Vital]) -> list[tuple[int, float]]:
    """Sockets, and the kilobytes that each of them takes, while they become more.

    A pod that was not seen before people came tells nothing.
    """
    if not was_empty(vitals):
        return []
    idle, full = vitals[0], max(vitals, key=lambda vital: vital.sockets)
    return [
        (vital.sockets, (vital.resident_bytes - idle.resident_bytes) / vital.sockets / 1_000)
        for vital in vitals
        if vital.sockets > FEW * full.sockets and vital.at <= full.at
    ]


def _colours(recording: Recording) -> list[str]:
    return [PODS[number % len(PODS)] for number in range(len(recording.pods))]


def _dressed(recording: Recording, axes: Axes, title: str) -> None:
    """Give a panel over time its heading, the phases, and the names of its lines."""
    axes.set_xlim(0, recording.end - recording.start)
    for phase in recording.summary.phases:
        start, end = phase.start - recording.start, phase.end - recording.start
        if phase.name in QUIET:
            wide = end - start > NARROW * (recording.end - recording.start)
            divided(axes, start, phase.name if wide else "")
        else:
            spanned(axes, start, end, phase.name)
    headed(axes, title, SINCE)
    legend(axes)
