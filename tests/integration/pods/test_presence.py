"""Who is online, across pods."""

from tests.integration.pods.cluster import Cluster
from tests.integration.pods.people import People, Person
from tests.servers.redis_server import RedisServer
from tests.waiting import until
from whatchat.domain.ids import UserId
from whatchat.domain.ports.presence_registry import GRACE_SECONDS

TOLD_SECONDS = 4.0
"""A sweep each second, and what a busy machine adds."""


def statuses(person: Person, user_id: UserId) -> list[str]:
    told = (one.data for one in person.ear.heard if one.name == "user:status")
    return [one["status"] for one in told if one["userId"] == user_id]


async def test_coming_and_going_is_told_on_another_pod(cluster: Cluster, people: People) -> None:
    first, second = await cluster.nodes(2)
    ada, bob = await people.at(first, second)
    await ada.client.direct(bob.user_id)
    (found,) = await bob.client.presence.watch([ada.user_id])
    assert found.status == "online"
    before = len(statuses(bob, ada.user_id))

    await ada.client.close()
    # The ear is Ada's other device: she is still there.
    (found,) = await bob.client.presence.of([ada.user_id])
    assert found.status == "online"
    assert len(statuses(bob, ada.user_id)) == before

    await ada.ear.leave()
    seconds = GRACE_SECONDS + TOLD_SECONDS
    await until(lambda: statuses(bob, ada.user_id)[before:] == ["offline"], seconds=seconds)
    (found,) = await bob.client.presence.of([ada.user_id])
    assert found.status == "offline"
    assert isinstance(found.last_seen, str)


async def test_a_redis_that_forgot_everything_tells_nobody_of_an_end(
    cluster: Cluster, people: People, redis: RedisServer
) -> None:
    first, second = await cluster.nodes(2)
    ada, bob = await people.at(first, second)
    await ada.client.direct(bob.user_id)
    redis.command("FLUSHALL")

    async def is_online() -> bool:
        (found,) = await bob.client.presence.of([ada.user_id])
        return found.status == "online"

    await until(is_online, seconds=25.0)  # a renewal is 20 s away at most
    assert "offline" not in statuses(bob, ada.user_id)


async def test_who_hides_is_gone_from_sight_on_another_pod_and_back_again(
    cluster: Cluster, people: People
) -> None:
    first, second = await cluster.nodes(2)
    ada, bob = await people.at(first, second)
    await ada.client.direct(bob.user_id)
    await bob.client.presence.watch([ada.user_id])
    before = len(statuses(bob, ada.user_id))

    await ada.client.rest.update_me(presence="nobody")
    await until(lambda: statuses(bob, ada.user_id)[before:] == ["offline"], seconds=TOLD_SECONDS)
    await ada.client.rest.update_me(presence="contacts")
    await until(
        lambda: statuses(bob, ada.user_id)[before:] == ["offline", "online"], seconds=TOLD_SECONDS
    )
