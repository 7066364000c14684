"""What a pod knows of how full the others are: what they told lately, or nothing."""

import msgspec
import pytest
from msgspec.structs import replace

from tests.unit.debug.test_questions import HangingRegistry, summary
from whatchat.adapters.embedded.pod_registry import InProcessPodRegistry
from whatchat.domain.debugging import PodSummary
from whatchat.domain.errors import Unavailable
from whatchat.domain.ports.fleet import PodLoad
from whatchat.features.debug import roster as roster_module
from whatchat.features.debug.roster import SILENT_MS, Roster
from whatchat.features.debug.sealing import Sealing

SEALING = Sealing(b"secret")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def told(registry: InProcessPodRegistry, pod: str, sealing: Sealing = SEALING) -> None:
    """Another pod, which has told of itself."""
    said: PodSummary = replace(await summary(0), pod=pod, sockets=7)
    await registry.tell(pod, sealing.seal(msgspec.msgpack.encode(said), f"summary {pod}"))


async def test_others_count_while_what_they_told_is_fresh_and_theirs() -> None:
    clock = Clock()
    registry = InProcessPodRegistry(clock)
    await told(registry, "old")
    clock.now += SILENT_MS / 1000 + 0.1
    await told(registry, "two")
    await told(registry, "forged", Sealing(b"another secret"))
    await registry.tell("nonsense", SEALING.seal(b"\xc1", "summary nonsense"))
    await registry.tell("one", b"somebody else's")
    mine, others = await Roster("one", registry, SEALING, summary).loads()
    assert mine == PodLoad(pod="one", sockets=0, ready=True, draining=False)
    assert others == [PodLoad(pod="two", sockets=7, ready=True, draining=False)]


async def test_a_pod_without_a_registry_is_alone() -> None:
    assert (await Roster("one", None, SEALING, summary).loads()).others == []


async def test_what_was_known_before_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster_module, "DEADLINE_SECONDS", 0.01)
    registry = HangingRegistry()
    await told(registry, "two")
    roster = Roster("one", registry, SEALING, summary)
    await roster.pods()
    registry.hangs = True
    with pytest.raises(Unavailable):
        await roster.loads()
