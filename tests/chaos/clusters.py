"""Clusters of the shapes that faults need."""

from collections.abc import Mapping
from pathlib import Path

from tests.chaos import dying_pod
from tests.chaos.fault import Needs
from tests.e2e.node_process import NodeProcess
from tests.servers.cluster import Cluster
from tests.servers.faketime import clock_off_by
from tests.servers.product_process import WHATCHAT

DYING_POD = ("-P", str(Path(dying_pod.__file__)))


def cluster_for(needs: Needs, folder: Path) -> Cluster:
    """A cluster of three pods, not yet started, on which such a fault can strike."""

    def first_pod(folder: Path, env: Mapping[str, str]) -> NodeProcess:
        return peculiar_pod(needs, folder, env)

    return Cluster(folder, sentinels=needs.sentinels, first_pod=first_pod)


def peculiar_pod(needs: Needs, folder: Path, env: Mapping[str, str] | None = None) -> NodeProcess:
    """A pod with the clock and the end that are needed, not yet started."""
    clock = clock_off_by(needs.clock_hours) if needs.clock_hours else {}
    program = DYING_POD if needs.dying_pod else WHATCHAT
    return NodeProcess(folder, {**(env or {}), **clock}, program=program)
