"""Trails and sealers over a store that fails: nothing recorded is lost, or is there twice."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from structlog.testing import capture_logs

from tests.integration.services.conftest import Stage
from whatchat.audit import writing
from whatchat.audit.evidence import Evidence
from whatchat.audit.handing_out import HandingOut
from whatchat.audit.heads import HeadKey
from whatchat.audit.sealing import NAME, Sealing
from whatchat.audit.trail import Trail
from whatchat.audit.verifying import Verifier
from whatchat.domain.audit import SERVER, Act, Party, Record
from whatchat.domain.errors import Unavailable
from whatchat.domain.ids import UserId, random_id
from whatchat.domain.ports.store import Store
from whatchat.domain.times import utc_now
from whatchat.observability.metrics import Metrics

pytestmark = [pytest.mark.timeout(3_600), pytest.mark.no_cover]

KEY = HeadKey.derived_from(b"a secret of the tests, long enough")
EVERYTHING = 100_000
NEVER = 3_600.0

faults = st.lists(st.sampled_from(("ok", "ok", "late", "before", "after")), max_size=6)


class Failing:
    """The audit store, of which the next calls go wrong as planned, before or after the act."""

    def __init__(self, inner: object) -> None:
        self._inner = inner
        self.plan: list[str] = []

    def __getattr__(self, name: str) -> Any:
        method: Callable[..., Awaitable[Any]] = getattr(self._inner, name)

        @wraps(method)
        async def call(*arguments: Any, **named: Any) -> Any:
            fault = self.plan.pop(0) if self.plan else "ok"
            if fault == "before":
                raise Unavailable
            if fault == "late":
                await asyncio.sleep(0.003)
            answer = await method(*arguments, **named)
            if fault == "after":
                raise Unavailable
            return answer

        return call


class Leased:
    """A store whose lease everybody believes to have, as if it lapsed unnoticed."""

    def __init__(self, audit: Failing) -> None:
        self.audit = audit

    async def acquire(self, *_: object, **__: object) -> bool:
        return True

    async def release(self, *_: object) -> None:
        """Nobody waits for it."""


class AuditMachine(RuleBasedStateMachine):
    def __init__(self, stage: Stage, heads: Path, logged: Sequence[Any]) -> None:
        super().__init__()
        self.stage = stage
        self.heads = heads
        self.logged = logged
        self.store: Store = stage.house.store
        self.told: dict[str, asyncio.Task[None]] = {}
        self.mentioned: Counter[str] = Counter()
        self.may_be_lost: Counter[str] = Counter()
        self.mentions: list[Counter[str]] = [Counter(), Counter()]

    @initialize()
    def begin(self) -> None:
        last = self.stage.run(self.store.audit.last())
        self.sealed = last.seq if last else 0
        self.name = random_id()
        self.stores = [Failing(self.store.audit) for _ in range(4)]
        self.trails = [self._trail(number) for number in range(2)]
        self.sealers = [self._sealer(number) for number in range(2)]

    def _trail(self, number: int) -> Trail:
        store: Any = self.stores[number]
        return Trail(f"pod-{number}", store, Metrics(), merge_seconds=NEVER)

    def _sealer(self, number: int) -> Sealing:
        store: Any = Leased(self.stores[2 + number])
        outside = HandingOut(self.heads)
        return Sealing(store, f"{NAME}-{number}", Metrics(), KEY, outside, head_seconds=0)

    @rule(number=st.integers(0, 1), count=st.integers(1, 4), plan=faults, pause=st.booleans())
    def tell(self, number: int, count: int, plan: list[str], pause: bool) -> None:
        self.stores[number].plan = plan
        self.stage.run(self._tell(number, count, pause=pause))

    async def _tell(self, number: int, count: int, *, pause: bool) -> None:
        for _ in range(count):
            one = UserId(random_id())
            act = Act(kind="account.registered", user_id=one)
            self.told[one] = asyncio.create_task(self.trails[number].record(SERVER, act))
        await asyncio.sleep(0.01 if pause else 0)

    @rule(number=st.integers(0, 1), who=st.sampled_from("ab"), times=st.integers(1, 4))
    def mention(self, number: int, who: str, times: int) -> None:
        self.stage.run(self._mention(number, who, times))

    async def _mention(self, number: int, who: str, times: int) -> None:
        who = f"{self.name}-{who}"
        for _ in range(times):
            act = Act(kind="limit.hit", detail="a word")
            self.trails[number].mention(Party(role="user", user_id=UserId(who)), act)
        self.mentioned[who] += times
        self.mentions[number][who] += times

    @rule(
        numbers=st.sampled_from(((0,), (1,), (0, 1), (0, 1))),
        plans=st.tuples(faults, faults),
        steps=st.integers(1, 3),
    )
    def seal(self, numbers: Sequence[int], plans: Sequence[list[str]], steps: int) -> None:
        self.stage.run(self._seal(numbers, plans, steps))

    async def _seal(self, numbers: Sequence[int], plans: Sequence[list[str]], steps: int) -> None:
        for number, plan in zip(numbers, plans, strict=False):
            self.stores[2 + number].plan = plan
        for _ in range(steps):
            work = (self.sealers[number].step(more=True) for number in numbers)
            for one in await asyncio.gather(*work, return_exceptions=True):
                assert isinstance(one, float | int | Unavailable)

    @rule(number=st.integers(0, 1))
    def another_sealer(self, number: int) -> None:
        """The one before has died."""
        self.sealers[number] = self._sealer(number)

    @rule(number=st.integers(0, 1))
    def another_pod(self, number: int) -> None:
        """The one before has died: what was not acknowledged may be lost, and what was counted."""
        self.stage.run(self._die(number))
        self.may_be_lost += self.mentions[number]
        self.mentions[number] = Counter()
        self.trails[number] = self._trail(number)

    async def _die(self, number: int) -> None:
        if task := self.trails[number]._writing._task:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def teardown(self) -> None:
        if hasattr(self, "trails"):
            self.stage.run(self._all_in_the_chain())

    async def _all_in_the_chain(self) -> None:
        for store in self.stores:
            store.plan = []
        for trail in self.trails:
            await trail.stop()
        is_sure = {one for one, task in self.told.items() if task.done()}
        for task in self.told.values():
            task.cancel()
        await asyncio.gather(*self.told.values(), return_exceptions=True)
        await self.sealers[0].close()
        await self.sealers[1].close()
        audit = self.store.audit
        assert await audit.pending(limit=1) == []
        chain = await audit.read(after=self.sealed, limit=EVERYTHING)
        records = [msgspec.json.decode(one.body, type=Record) for one in chain]
        found = Counter(one.act.user_id for one in records if one.act.user_id)
        assert max(found.values(), default=1) == 1
        assert is_sure <= set(found) <= set(self.told)
        counted = Counter[str]()
        for one in records:
            if one.act.kind == "limit.hit":
                counted[str(one.actor.user_id)] += one.act.count
        for who, times in self.mentioned.items():
            assert times - self.may_be_lost[who] <= counted[who] <= times
        evidence = Evidence(frozenset({KEY.public}))
        evidence.read(self.heads.read_bytes().splitlines() if self.heads.exists() else (), "file")
        verdict = await Verifier(audit, evidence, utc_now()).verify()
        assert verdict.problems == []
        last = verdict.last.seq if verdict.last else 0
        assert (verdict.signed, verdict.covered) == (last, last)
        assert not [one for one in self.logged if "was cut" in one["event"]]


@pytest.fixture
def _quick_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(writing, "LONGEST_PAUSE_SECONDS", 0.002)


@pytest.mark.usefixtures("_quick_to_try_again")
def test_what_is_recorded_is_in_the_chain_once_whatever_fails(stage: Stage, tmp_path: Path) -> None:
    with capture_logs() as logged:
        stage.play(lambda _: AuditMachine(stage, tmp_path / "heads", logged), steps=12)
