"""What is done to a cluster in the middle of a run."""

import contextlib
import threading
import time
from typing import Final

from loadtests.stage.stages import Stage
from loadtests.swarm.run.course import Phase
from tests.servers.by_hand import in_a_line

JOIN_SECONDS: Final = 1.0


class Disturbance:
    """Waits for its moment, in a thread, and is done once.

    It has to be over when the run is: ``troubles`` says so if not.
    """

    def __init__(self, name: str, stage: Stage, hold_seconds: float) -> None:
        self._name = name
        self._stage = stage
        self._wait_seconds = hold_seconds * stage.moment
        self._begun = self._ended = 0.0
        self._troubles: list[str] = []
        self._off = threading.Event()
        self._thread = threading.Thread(target=self._strike, name=name, daemon=True)

    def hold_begins(self) -> None:
        """Everybody is there now."""
        with contextlib.suppress(RuntimeError):  # told again
            self._thread.start()

    def call_off(self) -> None:
        """The run is over: what has not begun is not begun any more."""
        self._off.set()
        if self._thread.ident is not None:
            self._thread.join(JOIN_SECONDS)

    def phases(self) -> list[Phase]:
        """When it was, if it was."""
        return [Phase(self._name, self._begun, self._ended)] if self._ended else []

    def troubles(self) -> list[str]:
        """What was wrong with it."""
        if self._troubles:
            return self._troubles
        if not self._begun:
            return [f"{self._name}: it never came to that"]
        return [] if self._ended else [f"{self._name}: it was not over when the run was"]

    def _strike(self) -> None:
        if self._off.wait(self._wait_seconds):
            return
        self._begun = time.time()
        try:
            self._stage.disturb()
        except Exception as error:  # noqa: BLE001  # whatever it was, the run goes on and says so
            self._troubles.append(f"{self._name}: {in_a_line(error)}")
        self._ended = time.time()
