"""A small update, and one that is spoilt: `make rollout` has the chart's own times, and a crowd."""

from pathlib import Path

import pytest

from tests.rollout.site import QUICK, QUICK_DELAY, Shape
from tests.rollout.trial import Plan, rollout
from tests.rollout.wanted import Template

SHORT = Shape(
    QUICK,
    nodes=1,
    delay=(0.0, QUICK_DELAY),
)
SMALL = Plan("an update", SHORT, people=30, rate=20, doors=4, stock=4, before=1, after=1)
LEAST = 40
"""Fewer messages, newcomers or requests would prove little."""

LATE_SECONDS = 5.5
GRACE_SECONDS = 4


@pytest.mark.alone
@pytest.mark.timeout(240)
async def test_all_pods_are_replaced_and_nobody_notices(tmp_path: Path) -> None:
    figures = await rollout(SMALL, tmp_path / "rollout", lambda _: None)
    assert figures.troubles() == []
    assert (figures.replaced, figures.workers, figures.killed) == (3, 1, 0)
    assert figures.outcome
    assert figures.outcome.lost == figures.outcome.duplicated == 0
    assert min(figures.outcome.accepted, len(figures.doors), len(figures.requests)) > LEAST
    assert len(figures.gaps) >= SMALL.people
    assert 0 < figures.gap(0.5) <= figures.gap(0.99) < figures.seconds
    assert len(figures.stock_gaps) >= SMALL.stock
    assert 0 < figures.storm <= figures.storm_in_all
    assert figures.evenly > 0


@pytest.mark.alone
@pytest.mark.timeout(240)
async def test_pods_that_end_before_the_proxy_knows_refuse_people(tmp_path: Path) -> None:
    def hurried(template: Template) -> Template:
        return template._replace(pre_stop=0, grace=GRACE_SECONDS)

    shape = SHORT._replace(replicas=1, delay=(LATE_SECONDS, LATE_SECONDS), spoil=hurried)
    plan = Plan("too hurried", shape, people=0, doors=8, stock=2, before=0.5, after=0.5)
    figures = await rollout(plan, tmp_path / "rollout", lambda _: None)
    assert figures.killed == 1
    assert {one.kind for one in figures.refused} == {"polling", "websocket"}
    assert "rest" in {one.kind for one in figures.failed}
    assert "1 pods did not end within their grace" in figures.troubles()
