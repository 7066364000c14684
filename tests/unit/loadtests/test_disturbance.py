"""What is done to a cluster in the middle of a run, and whether it was."""

import time
from threading import Event

from loadtests.stage.disturbance import Disturbance
from loadtests.stage.elsewhere import Elsewhere
from loadtests.stage.rolling import Rolling
from tests.waiting import until

NAME = "rollout"


def stage(command: str) -> Elsewhere:
    return Elsewhere("http://a", store_url="", secret="", pods=(), command=command)


async def test_it_is_done_once_in_the_middle() -> None:
    disturbance = Disturbance(NAME, stage("true"), hold_seconds=0.2)
    begun = time.time()
    disturbance.hold_begins()
    disturbance.hold_begins()
    await until(lambda: bool(disturbance.phases()))
    disturbance.call_off()
    [phase] = disturbance.phases()
    assert phase.start >= begun + 0.1
    assert disturbance.troubles() == []


async def test_what_fails_is_said() -> None:
    disturbance = Disturbance(NAME, stage("exit 3"), hold_seconds=0)
    disturbance.hold_begins()
    await until(lambda: bool(disturbance.phases()))
    [trouble] = disturbance.troubles()
    assert trouble.startswith("rollout: Command 'exit 3' returned non-zero exit status 3")


async def test_what_never_began_or_is_not_over_is_said() -> None:
    early = Disturbance(NAME, stage("true"), hold_seconds=60)
    early.hold_begins()
    early.call_off()
    assert early.troubles() == ["rollout: it never came to that"]
    late = Disturbance(NAME, Endless(), hold_seconds=0)
    late.hold_begins()
    await until(Endless.begun.is_set)
    assert late.troubles() == ["rollout: it was not over when the run was"]
    Endless.goes_on.set()
    late.call_off()


class Endless(Elsewhere):
    begun = Event()
    goes_on = Event()

    def __init__(self) -> None:
        super().__init__("http://a", store_url="", secret="", pods=(), command="")

    def disturb(self) -> None:
        self.begun.set()
        self.goes_on.wait(10)


def test_a_rollout_begins_early_as_it_takes_long() -> None:
    rollout = Elsewhere(
        "http://a", store_url="", secret="", pods=(), command="", disturbance="rollout"
    )
    assert rollout.moment == Rolling.moment < stage("true").moment
