"""One message is one trace, over all pods that it reaches."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.integration.pods.cluster import Cluster
from tests.integration.pods.people import PASSWORD, People, Person, all_reach, room_of
from tests.servers.otlp_receiver import OtlpReceiver, Received
from tests.servers.redis_server import RedisServer
from tests.waiting import until
from whatchat.client import WhatchatClient
from whatchat.domain.ids import RoomId, random_id

WORDS = "the swallow returns at dusk"
STRANGERS = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with OtlpReceiver() as receiver:
        yield receiver


@pytest.fixture
def ratio() -> float:
    return 1.0


@pytest.fixture
async def cluster(
    mongo_url: str, redis: RedisServer, receiver: OtlpReceiver, ratio: float
) -> AsyncIterator[Cluster]:
    async with Cluster(
        mongo_url, redis.url, otlp_endpoint=receiver.url, trace_ratio=ratio
    ) as cluster:
        yield cluster


async def test_a_message_over_a_socket_is_one_trace_from_packet_to_sockets(
    cluster: Cluster, people: People, receiver: OtlpReceiver
) -> None:
    ada, bob = await people.at(*await cluster.nodes(2))
    room_id = await room_of([ada, bob])

    sent = await ada.client.send(room_id, WORDS)
    await all_reach([ada, bob], room_id, sent.rev)

    command, *_ = await complete(receiver, "SendMessage", spans=6)
    spans = receiver.of_trace(command.trace_id)
    assert_tree(spans, command, room_id, sent.rev)
    assert (command.kind, command.parent_id) == ("server", "")
    assert command.attributes["whatchat.via"] == "socket"
    # Of the sender's two sockets one has its ack; the listener has two.
    assert {span.pod: span.attributes["whatchat.sockets"] for span in named(spans, "deliver")} == {
        command.pod: 1,
        other_pod(spans, command): 2,
    }
    assert_discreet(receiver, ada, bob)


async def test_a_message_by_rest_continues_the_trace_of_whoever_sends_it(
    cluster: Cluster, people: People, receiver: OtlpReceiver
) -> None:
    ada, bob = await people.at(*await cluster.nodes(2))
    room_id = await room_of([ada, bob])

    answer = await post(ada, room_id, f"00-{STRANGERS}-{PARENT}-00")
    await all_reach([ada, bob], room_id, answer.json()["rev"])

    assert answer.headers["x-trace-id"] == STRANGERS
    command, *_ = await complete(receiver, "SendMessage", spans=7)
    spans = receiver.of_trace(STRANGERS)
    request = next(span for span in spans if span.name == "POST /api/messages")
    assert (request.kind, request.parent_id, request.below_remote) == ("server", PARENT, True)
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/api/messages",
        "http.response.status_code": 201,
    }
    assert (command.kind, command.parent_id) == ("internal", request.span_id)
    assert command.attributes["whatchat.via"] == "http"
    assert_tree(
        [span for span in spans if span is not request], command, room_id, answer.json()["rev"]
    )
    assert_discreet(receiver, ada, bob)


async def test_whatever_changes_a_room_is_traced_to_those_who_are_told(
    cluster: Cluster, people: People, receiver: OtlpReceiver
) -> None:
    one, other = await cluster.nodes(2)
    ada, bob, eve = await people.at(one, other, other)
    room_id = await room_of([ada, bob])
    sent = await ada.client.send(room_id, WORDS)

    await ada.client.edit(sent.id, WORDS.upper())
    await ada.client.react(sent.id, "\N{THUMBS UP SIGN}")
    await ada.client.unreact(sent.id, "\N{THUMBS UP SIGN}")
    last = await ada.client.delete(sent.id)
    await all_reach([ada, bob], room_id, last.rev)
    await ada.client.rest.add_members(room_id, [eve.user_id])
    await ada.client.rest.remove_member(room_id, eve.user_id)

    for command in ("EditMessage", "AddReaction", "RemoveReaction", "DeleteMessage"):
        await assert_told(receiver, command, {"deliver room"})
    # Who comes in, or is out, is told so alone.
    for command in ("AddMembers", "RemoveMember"):
        await assert_told(receiver, command, {"deliver room", "deliver user"})
    assert_discreet(receiver, ada, bob, eve)


async def test_a_message_by_polling_is_a_trace_of_its_own(
    cluster: Cluster, receiver: OtlpReceiver
) -> None:
    (node,) = await cluster.nodes(1)
    name = f"p.{random_id()[:8].lower()}"
    client = await WhatchatClient.register(node.url, name, PASSWORD, transports=("polling",))
    async with client:
        room = await client.create_room("Tea", [])
        for _ in range(2):
            await client.send(room.id, WORDS)
        first, second, *_ = await complete(receiver, "SendMessage", spans=5, traces=2)
    assert (first.kind, first.parent_id) == ("server", "")
    assert first.trace_id != second.trace_id


@pytest.mark.parametrize("ratio", [0.0])
async def test_without_sampling_a_stranger_brings_about_no_span(
    cluster: Cluster, people: People, receiver: OtlpReceiver
) -> None:
    ada, bob = await people.at(*await cluster.nodes(2))
    room_id = await room_of([ada, bob])

    answer = await post(ada, room_id, f"00-{STRANGERS}-{PARENT}-01")
    await all_reach([ada, bob], room_id, answer.json()["rev"])
    await people.leave()
    await cluster.close()

    assert answer.headers["x-trace-id"] == STRANGERS
    assert receiver.bodies == []


async def post(person: Person, room_id: RoomId, traceparent: str) -> httpx.Response:
    token = person.client.rest._credentials.token
    body = {"roomId": room_id, "clientId": random_id(), "content": WORDS}
    headers = {"authorization": f"Bearer {token}", "traceparent": traceparent}
    async with httpx.AsyncClient() as http:
        url = f"{person.client.rest._http._url}/messages"
        answer = await http.post(url, json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer


async def complete(
    receiver: OtlpReceiver, command: str, *, spans: int, traces: int = 1
) -> list[Received]:
    """The spans of that command, once so many of its traces have so many."""

    def found() -> list[Received]:
        commands = [span for span in tuple(receiver.spans) if span.name == command]
        return [one for one in commands if len(receiver.of_trace(one.trace_id)) >= spans]

    await until(lambda: len(found()) >= traces)
    await asyncio.sleep(0.05)
    return found()


async def assert_told(receiver: OtlpReceiver, command: str, to: set[str]) -> None:
    """A trace of that command leads, below what was published, to the sockets of both pods."""

    def told() -> set[tuple[str, str]]:
        spans = [span for one in named(list(receiver.spans), command) for span in of(one)]
        published = {span.span_id for span in named(spans, "publish")}
        delivered = [span for span in named(spans, "deliver") if span.parent_id in published]
        return {(span.name, span.pod) for span in delivered}

    def of(one: Received) -> list[Received]:
        return receiver.of_trace(one.trace_id)

    await until(lambda: to <= {name for name, _ in told()} and len({pod for _, pod in told()}) == 2)


def named(spans: list[Received], beginning: str) -> list[Received]:
    return [span for span in spans if span.name.startswith(beginning)]


def other_pod(spans: list[Received], command: Received) -> str:
    (pod,) = {span.pod for span in spans} - {command.pod}
    return pod


def assert_tree(spans: list[Received], command: Received, room_id: RoomId, rev: int) -> None:
    """The command, its append with the store's part, its publishing, and two deliveries."""
    (append,) = named(spans, "append")
    (insert,) = named(spans, "insert")
    (publish,) = named(spans, "publish")
    here, there = sorted(named(spans, "deliver"), key=lambda span: span.pod != command.pod)
    assert len(spans) == 6
    assert [one.parent_id for one in (append, publish)] == [command.span_id] * 2
    assert insert.parent_id == append.span_id
    assert [one.parent_id for one in (here, there)] == [publish.span_id] * 2
    assert {one.pod for one in (append, insert, publish, here)} == {command.pod}
    assert there.pod == other_pod(spans, command)
    assert [one.kind for one in (append, insert, publish, here, there)] == [
        "internal",
        "client",
        "producer",
        "consumer",
        "consumer",
    ]
    # In this order, and nothing lasts for ever. Both pods have one clock here.
    assert command.start <= append.start <= insert.start <= insert.end <= append.end
    assert append.end <= publish.start <= there.start
    assert all(0 < span.end - span.start < 5e9 for span in spans)
    assert not any(span.failed for span in spans)
    assert_attributes(command, append, insert, publish, there, room_id, rev)


def assert_attributes(
    command: Received,
    append: Received,
    insert: Received,
    publish: Received,
    deliver: Received,
    room_id: RoomId,
    rev: int,
) -> None:
    of_entry = {"whatchat.room.id": room_id, "whatchat.rev": rev}
    of_redis = {"messaging.system": "redis", "messaging.destination.template": "room"}
    assert command.attributes["whatchat.outcome"] == "ok"
    assert append.attributes == {**of_entry, "whatchat.outcome": "ok"}
    assert insert.attributes == {
        "db.system.name": "mongodb",
        "db.operation.name": "insert",
        "db.collection.name": "log",
    }
    assert publish.name == "publish room"
    assert publish.attributes == {
        **of_entry,
        **of_redis,
        "messaging.operation.name": "publish",
        "messaging.operation.type": "send",
    }
    assert deliver.name == "deliver room"
    assert {**of_entry, **of_redis}.items() <= deliver.attributes.items()
    assert deliver.attributes["messaging.operation.type"] == "process"
    assert deliver.attributes["whatchat.event"] == "message:new"


def assert_discreet(receiver: OtlpReceiver, *people: Person) -> None:
    """Nothing that was sent to the collector says what was said, or by whom."""
    everything = b"".join(receiver.bodies)
    secrets = {WORDS, PASSWORD, "127.0.0.1"}
    for person in people:
        user = person.client.user
        secrets |= {user.username, user.display_name, person.client.rest._credentials.token}
    assert [secret for secret in secrets if secret.encode() in everything] == []
