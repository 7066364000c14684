"""When a pod counts as deaf."""

import pytest

from whatchat.adapters.redis.canary import Canary
from whatchat.domain.errors import Unavailable


class Scene:
    """A canary on a clock that the test moves, in a Redis that the test breaks."""

    def __init__(self) -> None:
        self.now = 100.0
        self.reachable = True
        self.hears = True
        self.went_deaf = 0
        self.canary = Canary(self._sing, self._deafen, clock=lambda: self.now)

    async def passes(self, seconds: float) -> None:
        for _ in range(round(seconds * 2)):
            await self.canary.sing_once()
            self.now += 0.5

    async def _sing(self) -> None:
        if not self.reachable:
            raise Unavailable
        if self.hears:
            self.canary.heard()

    def _deafen(self) -> None:
        self.went_deaf += 1


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_a_pod_that_hears_itself_is_not_deaf(scene: Scene) -> None:
    await scene.passes(60)
    assert (scene.canary.deaf, scene.went_deaf) == (False, 0)
    assert scene.canary.age <= 0.5


async def test_five_seconds_of_silence_make_it_deaf_and_it_tries_again_and_again(
    scene: Scene,
) -> None:
    await scene.passes(1)
    scene.hears = False
    await scene.passes(5)
    assert not scene.canary.deaf
    await scene.passes(1)
    assert (scene.canary.deaf, scene.went_deaf) == (True, 1)
    await scene.passes(12)
    assert scene.went_deaf == 3


async def test_it_is_well_again_only_after_hearing_several_times(scene: Scene) -> None:
    scene.hears = False
    await scene.passes(6)
    scene.hears = True
    await scene.passes(1)
    assert scene.canary.deaf
    await scene.passes(0.5)
    assert not scene.canary.deaf


async def test_a_single_canary_starts_the_time_anew_but_heals_nothing(scene: Scene) -> None:
    scene.hears = False
    await scene.passes(6)
    scene.canary.heard()
    await scene.passes(5)
    assert (scene.canary.deaf, scene.went_deaf) == (True, 1)
    await scene.passes(1)
    assert scene.went_deaf == 2


async def test_with_redis_unreachable_nobody_is_deaf(scene: Scene) -> None:
    scene.reachable = scene.hears = False
    await scene.passes(60)
    assert (scene.canary.deaf, scene.went_deaf) == (False, 0)
    # The time counts from when singing works again.
    scene.reachable = True
    await scene.passes(5)
    assert not scene.canary.deaf


async def test_with_redis_unreachable_a_pod_is_no_longer_deaf(scene: Scene) -> None:
    scene.hears = False
    await scene.passes(6)
    scene.reachable = False
    await scene.passes(1)
    assert not scene.canary.deaf
