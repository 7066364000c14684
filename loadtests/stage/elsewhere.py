"""A cluster that somebody else runs."""

import subprocess
from collections.abc import Collection, Mapping, Sequence

from loadtests.stage.stages import EARLY, MIDDLE
from loadtests.swarm.run.vitals import found_at
from loadtests.swarm.scenario import Disturbance


class Elsewhere:
    """Its pods are looked at where they are said to be, and a shell's ``command`` disturbs it."""

    def __init__(
        self,
        url: str,
        *,
        store_url: str,
        secret: str,
        pods: Sequence[str],
        command: str,
        disturbance: Disturbance = "nothing",
    ) -> None:
        self.url = url
        self.moment = EARLY if disturbance == "rollout" else MIDDLE
        self.store_url = store_url
        self.secret = secret
        self._pods = found_at(pods)
        self._command = command

    def pods(self) -> Mapping[str, str]:
        return self._pods()

    def processes(self) -> Mapping[str, Collection[int]]:
        return {}

    def versions(self) -> Mapping[str, str]:
        return {}

    def disturb(self) -> None:
        subprocess.run(self._command, shell=True, check=True)

    def troubles(self) -> list[str]:
        return []
