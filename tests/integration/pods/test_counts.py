"""What two pods over Redis say of one message."""

from tests.integration.pods.cluster import Cluster
from tests.integration.pods.people import People, all_reach, room_of
from tests.samples import sample


async def test_each_pod_knows_its_own_deliveries_from_those_of_others(
    cluster: Cluster, people: People
) -> None:
    one, two = await cluster.nodes(2)
    ada, bob, cat = await people.at(one, one, two)
    room_id = await room_of([ada, bob, cat])
    before = [sample(pod.metrics, "deliveries_total", event="message:new") for pod in (one, two)]
    for number in range(3):
        last = await ada.client.send(room_id, str(number))
    await all_reach([ada, bob, cat], room_id, last.rev)
    after = [sample(pod.metrics, "deliveries_total", event="message:new") for pod in (one, two)]
    # Everybody has two sockets; the one that sends has its ack.
    assert [told - ledger for told, ledger in zip(after, before, strict=True)] == [3 * 3, 3 * 2]
    assert sample(one.metrics, "entries_appended_total", change="posted") == 3
    assert sample(two.metrics, "entries_appended_total", change="posted") == 0
    for origin, pod in (("local", one), ("remote", two)):
        assert sample(pod.metrics, "delivery_seconds_count", origin=origin) >= 3
        assert sample(pod.metrics, "delivery_seconds_sum", origin=origin) < 5
    assert sample(two.metrics, "delivery_seconds_count", origin="local") == 0
