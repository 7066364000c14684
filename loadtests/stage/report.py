"""What a run came to, for people; its gates were told by Locust's process."""

from collections.abc import Iterator

from loadtests.swarm.run.summary import Summary

MB = 1_000_000
SHOWN = 10


def report(found: Summary) -> str:
    """The beginning of the talk, pods, processor time, what went wrong, and the verdict."""
    return "\n".join(
        [*_warming(found), *_pods(found), *_cpu(found), *_failures(found), _verdict(found)]
    )


def _warming(found: Summary) -> Iterator[str]:
    times = found.warming
    if times.count:
        yield (
            f"before the hold, as messages became so many: mean {times.mean_ms:.1f} ms,"
            f" p99 {times.p99_ms:g} ms"
        )


def _pods(found: Summary) -> Iterator[str]:
    for pod in found.pods:
        each = f"{pod.bytes_per_socket / 1000:.1f} KB each" if pod.bytes_per_socket else "none"
        start, most = pod.resident_bytes_at_start / MB, pod.resident_bytes_at_most / MB
        held = ""
        if pod.cpu_percent is not None and pod.held_bytes is not None:
            held = f"; in the hold {pod.cpu_percent:g} % of a core, {pod.held_bytes / MB:+.0f} MB"
        yield (
            f"{pod.pod}: {pod.sockets_max:,} sockets ({each}),"
            f" memory {start:.0f} to {most:.0f} MB{held}"
        )


def _cpu(found: Summary) -> Iterator[str]:
    if found.cores:
        shares = (f"{part} {used:.0%}" for part, used in found.cores.items())
        yield f"of a core, in the hold: {', '.join(shares)}"


def _failures(found: Summary) -> Iterator[str]:
    for failure in sorted(found.failures, key=lambda one: -one.count)[:SHOWN]:
        yield f"{failure.count:,} times: {failure.what}"
    yield from found.troubles


def _verdict(found: Summary) -> str:
    if found.passed:
        return "all gates hold"
    failed = [gate.name for gate in found.gates if not gate.holds]
    return f"failed: {', '.join(failed) or 'see above'}"
