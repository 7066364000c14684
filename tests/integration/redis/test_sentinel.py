"""Following the sentinels to another master."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.redis.pods import ROOM, Pods, in_room
from tests.servers.redis_parts import connected
from tests.servers.redis_sentinels import RedisSentinels
from tests.waiting import until
from whatchat.domain.errors import Unavailable

FAILOVER_SECONDS = 20.0


@pytest.fixture
def sentinels(tmp_path: Path) -> Iterator[RedisSentinels]:
    """A master, a replica and three sentinels."""
    sentinels = RedisSentinels(tmp_path)
    try:
        sentinels.start()
        yield sentinels
    finally:
        sentinels.stop()


async def test_pods_go_on_at_the_new_master(sentinels: RedisSentinels, pods: Pods) -> None:
    pod, other = await pods.open(sentinels.url), await pods.open(sentinels.url)
    await pod.broker.subscribe_rooms([ROOM])
    await other.broker.publish([in_room(1)])
    await until(lambda: pod.heard == [1])
    first = sentinels.master_port()
    sentinels.servers[0].kill()
    sentinels.sentinels[2].kill()  # two of three are enough
    await until(lambda: pod.resumed == 1, seconds=FAILOVER_SECONDS)
    assert sentinels.master_port() != first

    async def heard() -> bool:
        try:
            await other.broker.publish([in_room(2)])
        except Unavailable:
            return False
        return 2 in pod.heard

    await until(heard, seconds=FAILOVER_SECONDS)
    with pytest.raises(Unavailable, match="knows no master named another"):
        async with connected(sentinels.url.replace("/whatchat", "/another")):
            pass
