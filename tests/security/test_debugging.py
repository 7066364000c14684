"""The live debug API, by those it is not for: strangers, and whoever has got hold of Redis."""

import asyncio
import json
import time
from typing import Any

import msgspec

from tests.security.stage import Stage
from tests.security.test_admin import READ_TOKEN, TOKEN, desk
from whatchat.adapters.embedded.broker import InProcessBroker, InProcessExchange
from whatchat.domain.audience import Announcement, ToPods
from whatchat.domain.debugging import Ask, AskSockets, SocketRow
from whatchat.domain.models import View
from whatchat.features.debug.asking import ANSWER, QUESTION, Answer, Asking, Question
from whatchat.features.debug.sealing import Sealing

SECRET = b"the store's secret"


async def say_nothing(_ask: Ask) -> list[View]:
    return []


class Pods:
    """Two pods that ask each other, and somebody who hears and says all that the broker does."""

    def __init__(self) -> None:
        self._exchange = InProcessExchange()
        self.asked: list[Ask] = []
        self.eve, self.heard = InProcessBroker(self._exchange), list[Announcement]()
        self.one = self._pod("one")
        self.two = self._pod("two")

    def _pod(self, name: str) -> Asking:
        return Asking(name, InProcessBroker(self._exchange), Sealing(SECRET), self._answer)

    async def start(self) -> None:
        """Have everybody hear."""
        self.eve.listen(self.heard.append)
        for name in ("one", "two"):
            await self.eve.subscribe_topic(f"debug.{name}")
        await self.one.start()
        await self.two.start()

    async def _answer(self, ask: Ask) -> list[View]:
        self.asked.append(ask)
        return [row("10.1.2.3")]

    def forge(self, event: str, pod: str, payload: bytes) -> None:
        """Say something to a pod."""
        audience = ToPods(topic=f"debug.{pod}")
        self.eve.publish([Announcement(audience=audience, event=event, payload=payload)])


def row(address: str) -> SocketRow:
    """A socket of somebody."""
    fields: dict[str, Any] = {
        "socket": "0" * 12,
        "pod": "two",
        "userId": "ada",
        "deviceId": "phone",
        "transport": "websocket",
        "address": address,
        "state": "open",
        "rooms": 0,
        "outboxBytes": 0,
    }
    return msgspec.convert(fields, SocketRow)


async def test_debug_questions_on_the_wire() -> None:
    """Whoever reads what pods tell each other learns nobody's address or id from it."""
    pods = Pods()
    await pods.start()
    asked = await pods.one.ask(["two"], AskSockets(limit=1), SocketRow)
    assert asked.answers == {"two": [row("10.1.2.3")]}
    assert [one.event for one in pods.heard] == [QUESTION, ANSWER]
    said = b"".join(one.payload for one in pods.heard)
    assert not [word for word in (b"10.1.2.3", b"ada", b"phone", b"AskSockets") if word in said]


async def test_forged_debug_questions() -> None:
    """Whoever writes to Redis makes no pod answer: not by words of their own, old or moved ones."""
    pods = Pods()
    await pods.start()
    real = await pods.one.ask(["two"], AskSockets(limit=1), SocketRow)
    question, answer = (one.payload for one in pods.heard)
    assert real.missing == []
    plain = Question(id="1", asker="eve", at=time.time(), ask=AskSockets(limit=500))
    old = Question(id="1", asker="one", at=time.time() - 3600, ask=AskSockets(limit=500))
    body = msgspec.msgpack.encode(plain)
    pods.asked.clear()
    pods.forge(QUESTION, "two", body)
    pods.forge(QUESTION, "two", b"")
    pods.forge(QUESTION, "two", Sealing(b"another secret").seal(body, f"{QUESTION} two"))
    pods.forge(QUESTION, "one", question)  # was for another pod
    pods.forge(QUESTION, "one", answer)
    stale = Sealing(SECRET).seal(msgspec.msgpack.encode(old), f"{QUESTION} two")
    pods.forge(QUESTION, "two", stale)
    pods.forge(QUESTION, "two", question)  # again
    await asyncio.sleep(0.05)
    assert pods.asked == []


async def test_forged_debug_answers() -> None:
    """Nobody answers in another pod's name, nor before it, nor again."""
    pods = Pods()
    await pods.start()
    sealing = Sealing(SECRET)

    def answer_falsely(announcement: Announcement) -> None:
        if announcement.event != QUESTION:
            return
        opened = sealing.open(announcement.payload, f"{QUESTION} two")
        assert opened is not None
        question = msgspec.msgpack.decode(opened, type=Question)
        said = msgspec.Raw(msgspec.msgpack.encode([row("6.6.6.6")]))
        for pod, secret in (("two", b"guessed"), ("three", SECRET)):
            false = msgspec.msgpack.encode(Answer(id=question.id, pod=pod, said=said))
            pods.forge(ANSWER, "one", Sealing(secret).seal(false, f"{ANSWER} one"))

    pods.eve.listen(answer_falsely)
    asked = await pods.one.ask(["two"], AskSockets(limit=1), SocketRow)
    assert asked.answers == {"two": [row("10.1.2.3")]}


async def test_debug_tells_no_secrets(stage: Stage) -> None:
    """Operators see that people talk, never what they say, nor what would let one in as them."""
    node = await desk(stage)
    ada, bob = await stage.person("ada", node), await stage.person("bob", node)
    room = await ada.group(bob)
    message = await ada.send(room, "a word for two")
    wire = await stage.socket(bob.token, node)
    headers = {"Authorization": f"Bearer {READ_TOKEN}"}
    said = ""
    paths = ["/pods", "/rooms", "/sockets", f"/rooms/{room}", f"/messages/{message['id']}"]
    sockets = (await node.http.get("/debug/sockets", headers=headers)).json()["sockets"]
    paths += [f"/sockets/{one['socket']}" for one in sockets]
    for path in paths:
        answer = await node.http.get(f"/debug{path}", headers=headers)
        assert answer.status_code == 200, path
        said += json.dumps(answer.json())
    assert wire.said()
    assert sockets
    secrets = ("a word for two", bob.token, bob.refresh_token, TOKEN, READ_TOKEN)
    assert not [secret for secret in secrets if secret in said]


async def test_debug_whose_sockets_are_looked_at(stage: Stage) -> None:
    """Who looks for somebody's sockets is on record with whom, also by way of the query."""
    node = await desk(stage)
    headers = {"Authorization": f"Bearer {READ_TOKEN}"}
    queries = ("userId=ada", "userId=bob", "userId=ada&limit=5", "roomId=den", "userId=%0a", "")
    for query in queries:
        await node.http.get(f"/debug/sockets?{query}", headers=headers)
    waiting = await stage.store.audit.pending(limit=1_000)
    records = [json.loads(one.body)["act"] for one in waiting]
    told = [(act.get("userId"), act.get("roomId"), act.get("outcome", "ok")) for act in records]
    assert told == [
        ("ada", None, "ok"),
        ("bob", None, "ok"),
        (None, "den", "ok"),
        (None, None, "invalid"),
        (None, None, "ok"),
    ]


async def test_debug_asked_again_and_again(stage: Stage) -> None:
    """A dashboard fills the audit log with nothing; what it looks at is there, once an hour."""
    node = await desk(stage)
    headers = {"Authorization": f"Bearer {READ_TOKEN}"}
    for _ in range(5):
        await node.http.get("/debug/pods", headers=headers)
        for user in ("A" * 22, "B" * 22):
            await node.http.get(f"/debug/rooms/{user}", headers=headers)
    waiting = await stage.store.audit.pending(limit=1_000)
    records = [json.loads(one.body)["act"] for one in waiting]
    told = [(act["detail"], act.get("roomId")) for act in records if act["kind"] == "admin.called"]
    assert told == [
        ("GET /debug/pods", None),
        ("GET /debug/rooms/{roomId}", "A" * 22),
        ("GET /debug/rooms/{roomId}", "B" * 22),
    ]
