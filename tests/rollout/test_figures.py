"""What figures make of what happened."""

import math
from pathlib import Path

import pytest

from loadtests.page import put
from tests.chaos.journal import Barred, Joined, Journal, Left
from tests.chart.helm import render
from tests.rollout.deployment import Deployment
from tests.rollout.figures import Figures, barred_of, gaps_of, quantile
from tests.rollout.newcomers import Try
from tests.rollout.pod import Pod
from tests.rollout.report import table
from tests.rollout.storms import Reading, Storms
from tests.rollout.wanted import Wanted, environment
from whatchat.domain.ids import UserId
from whatchat.entrypoints.ending import ENDPOINT_SECONDS, longest_end

ANN, BOB = UserId("ann"), UserId("bob")

NOTHING = Figures(
    name="nothing",
    replaced=0,
    workers=0,
    outcome=None,
    doors=(),
    requests=(),
    gaps=(),
    barred=(),
    stock=0,
    stock_gaps=(),
    evenly=0.0,
    storm=0.0,
    storm_in_all=0.0,
    killed=0,
    seconds=0.0,
    load=0.0,
    crashes=(),
)


@pytest.fixture(scope="module")
def wanted() -> Wanted:
    return Wanted.of(render(), "whatchat")


def test_a_gap_is_from_the_loss_of_a_connection_to_the_next() -> None:
    journal = Journal(
        [
            Joined(0, ANN),
            Left(1, BOB),
            Joined(2, BOB),
            Left(3, ANN),
            Left(3.5, BOB),
            Joined(5, ANN),
            Joined(5.5, BOB),
            Left(9, ANN),
        ]
    )
    assert gaps_of(journal, 2.5, 8) == [2, 2]
    assert gaps_of(journal, 0, 10) == [1, 2, 2]


def test_who_was_barred_counts_while_pods_are_replaced() -> None:
    journal = Journal([Barred(1, ANN, "early"), Barred(3, ANN, "refused"), Barred(9, ANN, "late")])
    assert barred_of(journal, 2, 8) == ["refused"]


def test_a_quantile_is_one_of_the_values() -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert (quantile(values, 0.5), quantile(values, 0.99), quantile(values, 1)) == (51, 100, 100)
    assert quantile([], 0.5) == 0


def test_every_trouble_is_told() -> None:
    refused = Try(0, "websocket", 0.1, "_Refused closed with 1006")
    torn = Try(0, "polling", 0.1, torn=True)
    failed = Try(0, "regular", 0.1, "_Refused 502")
    figures = NOTHING._replace(
        doors=[refused, torn],
        requests=[failed],
        barred=["the door was closed"],
        killed=1,
        crashes=["whatchat-1-1 ended by itself with status 1"],
    )
    assert figures.refused == [refused]
    assert figures.torn == 1
    assert len(figures.troubles()) == 5
    assert NOTHING.troubles() == []


def test_the_report_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Before\n\n<!-- rollout -->\nold\n<!-- end of rollout -->\n\nAfter\n")
    columns = [NOTHING._replace(name="one", barred=["why"]), NOTHING._replace(name="two")]
    put(table(columns), page, "rollout")
    text = page.read_text()
    assert text.startswith("Before")
    assert text.endswith("After\n")
    assert "old" not in text
    assert "| Refused connects | 1 | 0 |" in text


def test_what_the_chart_says_of_pods_is_read(wanted: Wanted) -> None:
    template = wanted.template
    assert (wanted.surge, wanted.unavailable) == (1, 0)
    assert template.arguments[0] == "serve"
    assert template.migrate[0] == "migrate"
    assert template.env["WHATCHAT_REDIS_URL"].startswith("redis://")
    assert "WHATCHAT_ADMIN_TOKEN" not in template.env
    assert template.grace > template.pre_stop + longest_end(template.drain_seconds)


def test_a_secret_that_must_be_there_is_missed() -> None:
    reference = {"secretKeyRef": {"name": "whatchat", "key": "nothing-of-the-kind"}}
    container = {"env": [{"name": "WHATCHAT_X", "valueFrom": reference}]}
    with pytest.raises(LookupError, match="the secret whatchat lacks nothing-of-the-kind"):
        environment(container, render())


def test_departures_of_pods_that_drain_together_add_up(wanted: Wanted, tmp_path: Path) -> None:
    deployment = Deployment(wanted, tmp_path)
    storms = Storms(deployment)
    for number, terminated_at in enumerate((100.0, 110.0, 200.0)):
        pod = Pod(f"pod-{number}", 1, wanted.template, tmp_path)
        storms._note(pod, Reading(99.0, connects=0, held=280))
        pod.terminated_at = terminated_at
        storms._note(pod, Reading(terminated_at + ENDPOINT_SECONDS + 1, connects=0, held=3))
        deployment.pods.append(pod)
    assert math.isclose(storms.evenly(), 2 * 280 / (wanted.template.drain_seconds - 2))
