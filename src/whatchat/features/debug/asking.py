"""Questions from pod to pod, over the broker.

A question is for the topic of one pod, its answer for that of the pod that asked; both are
sealed, also against the pods that they are not for. Nothing of it is kept anywhere: an answer
that comes too late is for nobody.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import Context
from typing import Final, Generic, TypeVar, cast

import msgspec
import structlog
from msgspec import Struct

from whatchat.domain.audience import Announcement, ToPods
from whatchat.domain.debugging import Ask
from whatchat.domain.errors import ChatError
from whatchat.domain.ids import random_id
from whatchat.domain.models import View
from whatchat.domain.ports.broker import Broker
from whatchat.features.debug.sealing import Sealing

log = structlog.get_logger()

ANSWER_SECONDS: Final = 1.0
"""So long an answer may take: who has not answered by then is missing."""

STALE_SECONDS: Final = 30.0
"""Older questions are repeated by somebody; clocks of pods differ by less."""

ANSWERING_AT_ONCE: Final = 4
"""So many questions of others a pod is at; more wait, as long as an answer may take."""

MAX_QUESTIONS: Final = 64
"""So many questions of others a pod has, with those that wait; more it lets go by."""

MAX_HEARD: Final = 1_000
"""So many questions a pod knows again."""

MAX_ANSWER_BYTES: Final = 512 * 1024

QUESTION: Final = "debug.question"
ANSWER: Final = "debug.answer"

T = TypeVar("T", bound=View)

Answerer = Callable[[Ask], Awaitable[Sequence[View]]]
"""What this pod has to say to a question."""


class Question(Struct, frozen=True, kw_only=True):
    """What a pod is asked, by which, when."""

    id: str
    asker: str
    at: float
    ask: Ask


class Answer(Struct, frozen=True, kw_only=True):
    """What a pod says to the question with this id."""

    id: str
    pod: str
    said: msgspec.Raw


class Asked(Struct, Generic[T], frozen=True, kw_only=True):
    """What pods answered, and who did not."""

    answers: dict[str, list[T]]
    missing: list[str]


class Asking:
    """Asks pods, this one and others, and answers for this one."""

    def __init__(
        self,
        pod: str,
        broker: Broker,
        sealing: Sealing,
        answer: Answerer,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._pod = pod
        self._broker = broker
        self._sealing = sealing
        self._answer = answer
        self._clock = clock
        self._waiting: dict[str, tuple[str, asyncio.Future[msgspec.Raw]]] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._at_once = asyncio.Semaphore(ANSWERING_AT_ONCE)
        self._heard: deque[str] = deque(maxlen=MAX_HEARD)
        broker.listen(self.hear)

    async def start(self) -> None:
        """Begin to hear."""
        await self._broker.subscribe_topic(_topic(self._pod))

    async def stop(self) -> None:
        """Answer no more."""
        for task in tuple(self._answering):
            task.cancel()
        await asyncio.gather(*self._answering, return_exceptions=True)

    async def ask(self, pods: Iterable[str], ask: Ask, kind: type[T]) -> Asked[T]:
        """What these pods answer, each with any number of a kind, within ``ANSWER_SECONDS``."""
        named = list(pods)
        found = await asyncio.gather(*(self._asked(pod, ask, kind) for pod in named))
        answers = {pod: said for pod, said in zip(named, found, strict=True) if said is not None}
        return Asked(answers=answers, missing=[pod for pod in named if pod not in answers])

    async def _asked(self, pod: str, ask: Ask, kind: type[T]) -> list[T] | None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if pod == self._pod:
                    return cast("list[T]", await self._answer(ask))
                return msgspec.msgpack.decode(await self._ask(pod, ask), type=list[kind])  # type: ignore[valid-type]
        except (ChatError, TimeoutError, msgspec.MsgspecError):
            return None

    async def _ask(self, pod: str, ask: Ask) -> msgspec.Raw:
        question = Question(id=random_id(), asker=self._pod, at=self._clock(), ask=ask)
        future: asyncio.Future[msgspec.Raw] = asyncio.get_running_loop().create_future()
        self._waiting[question.id] = pod, future
        try:
            await self._broker.publish([self._sealed(QUESTION, pod, question)])
            return await future
        finally:
            del self._waiting[question.id]

    def hear(self, announcement: Announcement) -> None:
        """Take what the broker brings for this pod."""
        if announcement.event not in (QUESTION, ANSWER):
            return
        if announcement.audience != ToPods(topic=_topic(self._pod)):
            return
        opened = self._sealing.open(announcement.payload, _purpose(announcement.event, self._pod))
        if opened is None:
            return
        try:
            if announcement.event == QUESTION:
                self._take_question(msgspec.msgpack.decode(opened, type=Question))
            else:
                self._take_answer(msgspec.msgpack.decode(opened, type=Answer))
        except msgspec.MsgspecError as error:
            log.warning("another pod's words are not understood", error=str(error))

    def _take_question(self, question: Question) -> None:
        """Answer beside everything else; a repeated one, or one too many, is let go by."""
        is_stale = abs(self._clock() - question.at) > STALE_SECONDS
        if is_stale or question.id in self._heard or len(self._answering) >= MAX_QUESTIONS:
            return
        self._heard.append(question.id)
        task = asyncio.create_task(
            self._answer_to(question), name="debug-answer", context=Context()
        )
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer_to(self, question: Question) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._at_once:
                said = msgspec.msgpack.encode(await self._answer(question.ask))
                if len(said) > MAX_ANSWER_BYTES:
                    log.warning("an answer to another pod is too large", size=len(said))
                    return
                answer = Answer(id=question.id, pod=self._pod, said=msgspec.Raw(said))
                await self._broker.publish([self._sealed(ANSWER, question.asker, answer)])
        except (ChatError, TimeoutError) as error:
            log.info("another pod could not be answered", error=str(error))
        except Exception:
            log.exception("another pod could not be answered")

    def _take_answer(self, answer: Answer) -> None:
        pod, future = self._waiting.get(answer.id, (None, None))
        if future is not None and pod == answer.pod and not future.done():
            future.set_result(answer.said)

    def _sealed(self, event: str, pod: str, said: Question | Answer) -> Announcement:
        payload = self._sealing.seal(msgspec.msgpack.encode(said), _purpose(event, pod))
        return Announcement(
            audience=ToPods(topic=_topic(pod)), event=event, payload=payload, volatile=True
        )


def _topic(pod: str) -> str:
    return f"debug.{pod}"


def _purpose(event: str, pod: str) -> str:
    return f"{event} {pod}"
