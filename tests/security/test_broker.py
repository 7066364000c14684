"""What somebody can do who has got hold of Redis, and nothing else."""

import json

import msgspec

from tests.security.cluster import Cluster
from whatchat.adapters.redis.envelope import ORIGIN_BYTES, TAG_BYTES, VERSION, Sealer
from whatchat.domain.audience import Announcement, InRoom, ToUser
from whatchat.domain.ids import RoomId, Seq, UserId

FORGED = "what nobody has said"
PAYLOAD = json.dumps({"roomId": "room", "rev": 99, "message": {"content": FORGED}}).encode()


def envelopes(announcement: Announcement) -> list[bytes]:
    """The announcement as well as it can be sealed without the store's secret."""
    body = msgspec.msgpack.encode(announcement)
    origin = b"o" * ORIGIN_BYTES
    return [
        b"\x01" + origin + body,
        VERSION + origin + bytes(TAG_BYTES) + body,
        VERSION + origin + b"\xff" * TAG_BYTES + body,
        VERSION + origin + body,
        Sealer(b"").seal(announcement),
        Sealer(b"a secret of the attacker's own").seal(announcement),
    ]


async def test_forged_events_for_a_room(cluster: Cluster) -> None:
    """Who can write to Redis cannot put words into anybody's mouth."""
    ada, bob = await cluster.people("ada", "bob")
    room = RoomId(await ada.group(bob))
    wire = await bob.socket()
    channel = cluster.keys.room_channel(room)
    for rev in (0, 3, 99):
        announcement = Announcement(
            audience=InRoom(room_id=room),
            event="message:new",
            payload=PAYLOAD,
            room_id=room,
            rev=rev,
            author_id=UserId(ada.id),
        )
        for envelope in envelopes(announcement):
            assert cluster.redis.command("PUBLISH", channel, envelope) == 1
    await ada.send(room, "a true word")
    assert (await wire.hear("message:new"))["message"]["content"] == "a true word"
    assert FORGED not in wire.said()


async def test_forged_membership(cluster: Cluster) -> None:
    """Who can write to Redis lets nobody into a room's events, and puts nobody out."""
    ada, bob, eve = await cluster.people("ada", "bob", "eve")
    room = RoomId(await ada.group(bob))
    wire, heard = await eve.socket(), await bob.socket()
    user = UserId(eve.id)
    enter = ToUser(user_id=user, enters=room, joined_seq=Seq(1))
    leave = ToUser(user_id=UserId(bob.id), leaves=room)
    for audience, person in ((enter, eve), (leave, bob)):
        event = "room:created" if audience is enter else "room:removed"
        announcement = Announcement(
            audience=audience, event=event, payload=PAYLOAD, room_id=room, rev=99
        )
        channel = cluster.keys.user_channel(UserId(person.id))
        for envelope in envelopes(announcement):
            assert cluster.redis.command("PUBLISH", channel, envelope) == 1
    await ada.send(room, "among members")
    assert (await heard.hear("message:new"))["message"]["content"] == "among members"
    await wire.settled()
    assert wire.names() == ["session:ready"]
    assert heard.names() == ["session:ready", "message:new"]


async def test_noise_on_channels(cluster: Cluster) -> None:
    """What is no announcement is counted and dropped; the pod goes on."""
    ada, bob = await cluster.people("ada", "bob")
    room = RoomId(await ada.group(bob))
    wire = await bob.socket()
    channel = cluster.keys.room_channel(room)
    noise = [b"", b"\x00", VERSION, VERSION * 8, b"\xff" * 70_000, b'{"event":"x"}', b"\xc1" * 99]
    for one in noise:
        cluster.redis.command("PUBLISH", channel, one)
    await ada.send(room, "a true word")
    await wire.hear("message:new")
    counted = cluster.heard.broker_bad_envelopes._value.get()
    assert counted == len(noise)
    complaints = [one for one in cluster.logged() if one["event"] == "an envelope cannot be read"]
    assert len(complaints) == 1


async def test_envelope_of_another_deployment(cluster: Cluster) -> None:
    """Two deployments on one Redis that mix up their names do not hear each other."""
    ada = await cluster.person()
    room = RoomId(await ada.group())
    wire = await ada.socket()
    event = Announcement(audience=ToUser(user_id=UserId(ada.id)), event="error", payload=PAYLOAD)
    envelope = Sealer(b"the secret of another store").seal(event)
    cluster.redis.command("PUBLISH", cluster.keys.user_channel(UserId(ada.id)), envelope)
    await ada.send(room, "a true word")
    await wire.hear("message:new")
    assert wire.names() == ["session:ready", "message:new"]


async def test_operators_on_the_real_database(cluster: Cluster) -> None:
    """What MongoDB would run as an operator or a pattern is text there, and finds itself alone."""
    ada, bob = await cluster.people("ada", "bob")
    room = await ada.group()
    for text in ("$where", '{"$gt": ""}', ".*", "^b", "[a-z]+", "(a+)+$", "$ne"):
        for path in ("/users", "/rooms"):
            params = {"query": text} | ({"scope": "public"} if path == "/rooms" else {})
            headers = {"Authorization": f"Bearer {ada.token}"}
            answer = await ada.http.get(f"/api{path}", params=params, headers=headers)
            assert answer.status_code == 200
            assert answer.json()[path[1:]] == [], text
        assert (await ada.send(room, text))["content"] == text
    for key in ("$where", "a.b", "$set"):
        answer = await ada.ask("POST", "/sync", {"cursors": {key: 1}})
        assert answer.status_code == 422
    login = {"username": {"$gt": ""}, "password": {"$gt": ""}}
    assert (await ada.http.post("/api/auth/login", json=login)).status_code == 422
    assert (await bob.get("/users/me")).status_code == 200


async def test_revoked_across_a_cluster(cluster: Cluster) -> None:
    """Signing out on one pod closes sockets on another within two seconds, without Redis."""
    ada = await cluster.person()
    other = await cluster.another()
    wire = await cluster.socket(ada.token, other)
    await ada.done("POST", "/auth/logout")
    assert await wire.closed() == 4401
    answer = await other.http.get("/api/users/me", headers={"Authorization": f"Bearer {ada.token}"})
    assert answer.status_code == 401
