"""What every broker guarantees."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from tests.servers.redis_parts import fresh_keys, listening
from tests.servers.redis_server import RedisServer
from tests.waiting import until
from whatchat.adapters.embedded.broker import InProcessBroker, InProcessExchange
from whatchat.domain.audience import Announcement, Audience, InRoom, ToPods, ToUser
from whatchat.domain.ids import RoomId, Seq, SessionId, UserId
from whatchat.domain.ports.broker import Broker

ROOM, OTHER_ROOM = RoomId("room"), RoomId("other")
ADA, BOB = UserId("ada"), UserId("bob")
QUIET_SECONDS = 0.05


@dataclass
class Pod:
    """A broker, and what its listener has heard."""

    broker: Broker
    heard: list[Announcement] = field(default_factory=list)

    async def hears(self, *expected: Announcement) -> None:
        """Check that exactly this has come, and nothing more follows."""
        await until(lambda: len(self.heard) >= len(expected))
        await asyncio.sleep(QUIET_SECONDS)
        assert [replace(one, remote=False) for one in self.heard] == list(expected)


OpenPod = Callable[[], Awaitable[Pod]]


@pytest.fixture(params=["in-process", "redis"])
async def open_pod(request: pytest.FixtureRequest) -> AsyncIterator[OpenPod]:
    """Opens pods that hear each other."""
    exchange, keys = InProcessExchange(), fresh_keys()
    async with AsyncExitStack() as opened:

        async def open_broker() -> Broker:
            if request.param == "redis":
                server: RedisServer = request.getfixturevalue("redis_server")
                return await opened.enter_async_context(listening(server.url, keys))
            broker = InProcessBroker(exchange)
            opened.push_async_callback(broker.close)
            return broker

        async def open_one() -> Pod:
            pod = Pod(await open_broker())
            pod.broker.listen(pod.heard.append)
            return pod

        yield open_one


def announcement(audience: Audience, number: int = 1) -> Announcement:
    payload = b'{"text":"\xc3\xa9","number":%d}' % number
    return Announcement(
        audience=audience, event="message:new", payload=payload, room_id=ROOM, rev=number
    )


TO_ROOM = announcement(InRoom(room_id=ROOM, seq=Seq(3), except_session=SessionId("session")))
TO_ADA = announcement(ToUser(user_id=ADA, enters=ROOM, joined_seq=Seq(4), leaves=OTHER_ROOM))

IN_PASSING = replace(
    announcement(InRoom(room_id=ROOM, without=(BOB,), among=(ADA, BOB)), 0), volatile=True
)
FOR_ONE = replace(
    announcement(InRoom(room_id=ROOM, only=ADA), 2), others=b'{"number":2}', author_id=ADA
)


async def test_what_is_published_arrives_as_it_was_on_every_pod(open_pod: OpenPod) -> None:
    first, second = await open_pod(), await open_pod()
    for pod in (first, second):
        await pod.broker.subscribe_rooms([ROOM])
        await pod.broker.subscribe_users([ADA])
    await first.broker.publish([TO_ROOM, TO_ADA, IN_PASSING, FOR_ONE])
    for pod in (first, second):
        await pod.hears(TO_ROOM, TO_ADA, IN_PASSING, FOR_ONE)


async def test_what_another_pod_said_is_known_from_ones_own(open_pod: OpenPod) -> None:
    first, second = await open_pod(), await open_pod()
    for pod in (first, second):
        await pod.broker.subscribe_rooms([ROOM])
        await pod.broker.subscribe_users([ADA])
    await first.broker.publish([TO_ROOM, TO_ADA])
    await until(lambda: len(second.heard) == 2)
    assert [one.remote for one in first.heard] == [False, False]
    assert [one.remote for one in second.heard] == [True, True]


async def test_only_what_was_subscribed_arrives(open_pod: OpenPod) -> None:
    publisher, of_room, of_user, other = [await open_pod() for _ in range(4)]
    await of_room.broker.subscribe_rooms([ROOM])
    await of_user.broker.subscribe_users([ADA])
    await other.broker.subscribe_rooms([OTHER_ROOM])
    await other.broker.subscribe_users([BOB])
    await publisher.broker.publish([TO_ROOM, TO_ADA])
    await of_room.hears(TO_ROOM)
    await of_user.hears(TO_ADA)
    await other.hears()
    await publisher.hears()


async def test_nothing_arrives_after_unsubscribing(open_pod: OpenPod) -> None:
    pod = await open_pod()
    await pod.broker.subscribe_rooms([ROOM, OTHER_ROOM])
    await pod.broker.subscribe_users([ADA])
    await pod.broker.unsubscribe_rooms([ROOM])
    await pod.broker.unsubscribe_users([ADA])
    to_other = announcement(InRoom(room_id=OTHER_ROOM))
    await pod.broker.publish([TO_ROOM, TO_ADA, to_other])
    await pod.hears(to_other)


async def test_subscribing_again_is_in_force(open_pod: OpenPod) -> None:
    pod = await open_pod()
    await pod.broker.subscribe_rooms([ROOM])
    await pod.broker.subscribe_rooms([ROOM])
    await pod.broker.unsubscribe_rooms([ROOM])
    await pod.broker.subscribe_rooms([ROOM])
    await pod.broker.publish([TO_ROOM])
    await pod.hears(TO_ROOM)


async def test_announcements_of_one_publish_arrive_in_their_order(open_pod: OpenPod) -> None:
    publisher, pod = await open_pod(), await open_pod()
    await pod.broker.subscribe_rooms([ROOM])
    batch = [announcement(InRoom(room_id=ROOM), number) for number in range(1, 501)]
    await publisher.broker.publish(batch)
    await pod.hears(*batch)


async def test_unsubscribing_what_was_never_subscribed_is_harmless(open_pod: OpenPod) -> None:
    pod = await open_pod()
    await pod.broker.unsubscribe_rooms([ROOM])
    await pod.broker.unsubscribe_users([ADA])
    await pod.broker.publish([TO_ROOM])
    await pod.hears()


async def test_every_listener_hears_also_when_one_fails(open_pod: OpenPod) -> None:
    pod, more = await open_pod(), list[Announcement]()

    def fail(announcement: Announcement) -> None:
        raise ValueError

    pod.broker.listen(fail)
    pod.broker.listen(more.append)
    await pod.broker.subscribe_rooms([ROOM])
    await pod.broker.publish([TO_ROOM])
    await pod.hears(TO_ROOM)
    assert more == [TO_ROOM]


async def test_a_closed_broker_hears_nothing_and_the_others_go_on(open_pod: OpenPod) -> None:
    closed, pod = await open_pod(), await open_pod()
    for one in (closed, pod):
        await one.broker.subscribe_rooms([ROOM])
    await closed.broker.close()
    await pod.broker.publish([TO_ROOM])
    await pod.hears(TO_ROOM)
    assert closed.heard == []


async def test_a_topic_is_heard_by_the_pods_that_listen_for_it(open_pod: OpenPod) -> None:
    first, second, third = await open_pod(), await open_pod(), await open_pod()
    for pod in (first, second):
        await pod.broker.subscribe_topic("weather")
    await third.broker.subscribe_topic("sports")
    weather = announcement(ToPods(topic="weather"))
    await first.broker.publish([weather, TO_ROOM])
    await until(lambda: second.heard == [replace(weather, remote=True)])
    assert (first.heard, third.heard) == ([weather], [])
