"""The engine's WebSocket, case by case."""

from collections.abc import Iterator

import pytest

from tests.conformance.app_process import AppProcess
from tests.conformance.rfc6455 import CASES, LIMITS
from tests.conformance.rfc6455_case import Case
from tests.conformance.rfc6455_trial import Verdict, check

AUTOBAHN_CASES = {"1": 16, "2": 11, "3": 7, "4": 10, "5": 20, "6": 145, "7": 37, "9": 54, "10": 1}


@pytest.fixture(scope="module")
def app() -> Iterator[AppProcess]:
    """An echo whose heartbeats do not disturb."""
    with AppProcess("engineio", ping_interval_ms=25_000, max_payload=LIMITS.payload) as app:
        yield app
        assert "Traceback" not in app.output()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.number)
def test_case(app: AppProcess, case: Case) -> None:
    url = f"ws://127.0.0.1:{app.port}/engine.io/?EIO=4&transport=websocket"
    result = check(case, url)
    assert result.verdict is not Verdict.FAILED, str(result)


@pytest.mark.parametrize(("group", "count"), AUTOBAHN_CASES.items())
def test_no_case_of_autobahn_is_missing(group: str, count: int) -> None:
    numbers = [case.number for case in CASES if case.number.split(".")[0] == group]
    assert len(numbers) == len(set(numbers)) == count
