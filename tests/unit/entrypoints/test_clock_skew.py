from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from whatchat.domain.errors import Unavailable
from whatchat.domain.times import utc_now
from whatchat.entrypoints import clock_skew
from whatchat.entrypoints.clock_skew import ClockSkew
from whatchat.observability.metrics import Metrics


class Store:
    """Has a clock of its own, or is away."""

    def __init__(self) -> None:
        self.behind = timedelta()
        self.is_away = False

    async def clock(self) -> datetime:
        if self.is_away:
            raise Unavailable
        return utc_now() - self.behind


def shown(metrics: Metrics) -> float:
    return metrics.registry.get_sample_value("whatchat_clock_skew_seconds") or 0.0


@pytest.mark.parametrize(("seconds", "how"), [(3, "3.0 s ahead of"), (-3, "3.0 s behind")])
async def test_a_clock_that_is_off_is_told_once_and_shown_until_it_is_right(
    seconds: int, how: str
) -> None:
    store, metrics = Store(), Metrics()
    skew = ClockSkew(store.clock, metrics)
    store.behind = timedelta(seconds=seconds)
    with capture_logs() as lines:
        await skew.measure()
        await skew.measure()
        store.is_away = True
        await skew.measure()
    (line,) = lines
    assert line["log_level"] == "warning"
    assert f"this machine's clock is {how} the store's" in line["event"]
    assert "NTP" in line["event"]
    assert len(skew.warnings()) == 1
    assert shown(metrics) == pytest.approx(seconds, abs=0.5)
    store.is_away, store.behind = False, timedelta(seconds=1)
    with capture_logs() as lines:
        await skew.measure()
    assert [line["log_level"] for line in lines] == ["info"]
    assert not skew.warnings()
    assert shown(metrics) == pytest.approx(1, abs=0.5)


async def test_an_answer_that_took_long_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock_skew, "SLOWEST_SECONDS", -1.0)
    store, metrics = Store(), Metrics()
    store.behind = timedelta(seconds=30)
    skew = ClockSkew(store.clock, metrics)
    await skew.measure()
    assert not skew.warnings()
    assert shown(metrics) == 0.0
