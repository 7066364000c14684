"""All faults there are."""

from tests.chaos.fault import Fault
from tests.chaos.faults.clock import ClockBehind
from tests.chaos.faults.mongo import MongoPaused, StepDown
from tests.chaos.faults.network import AcksLost, EverybodyReturns
from tests.chaos.faults.pods import PodKilled, PodKilledBeforePublishing, RollingUpdate
from tests.chaos.faults.redis import ListenersKilled, RedisKilled, RedisPaused, SentinelFailover
from tests.chaos.faults.rollback import Rollback

FAULTS: tuple[Fault, ...] = (
    PodKilled(),
    PodKilledBeforePublishing(),
    RollingUpdate(),
    RedisKilled(),
    RedisPaused(),
    ListenersKilled(),
    SentinelFailover(),
    Rollback(),
    StepDown(),
    MongoPaused(),
    AcksLost(),
    ClockBehind(),
    EverybodyReturns(),
)
"""In the order of the table."""
