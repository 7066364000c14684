import asyncio
import math
from collections.abc import Callable
from typing import Any, cast

import pytest

from tests.unit.audit.stores import trail_into_memory
from tests.unit.entrypoints.toys import GetToy, ToyService, actor, raising
from whatchat.adapters.embedded.limiter import EmbeddedLimiter
from whatchat.domain.actor import Actor, Visitor
from whatchat.domain.contract import BoundEndpoint, Catalogue, Endpoint
from whatchat.domain.errors import (
    ChatError,
    Conflict,
    Invalid,
    RateLimited,
    Unauthenticated,
    Unavailable,
)
from whatchat.domain.ports.limiter import Quota
from whatchat.entrypoints.dispatch import Dispatch
from whatchat.entrypoints.limits import Limits
from whatchat.entrypoints.quotas import QUOTAS, USER_QUOTAS
from whatchat.observability.metrics import Metrics
from whatchat.observability.spans import Span
from whatchat.observability.tracing import Tracing

Logged = Callable[[], list[dict[str, Any]]]

VISITOR = Visitor(address="192.0.2.7")


def count(metrics: Metrics, command: str, outcome: str) -> float:
    labels = {"command": command, "outcome": outcome}
    return metrics.registry.get_sample_value("whatchat_commands_total", labels) or 0


async def test_a_command_is_one_line_and_one_count(
    dispatch: Dispatch, toys: Catalogue, metrics: Metrics, logged: Logged
) -> None:
    await dispatch.submit(toys.by_socket["toy:make"], actor(), {"content": "hush"}, via="socket")
    [line] = logged()
    assert len(line.pop("trace_id")) == 32
    assert line.pop("duration_ms") >= 0
    del line["timestamp"]
    assert line == {
        "event": "command",
        "level": "info",
        "command": "MakeToy",
        "outcome": "ok",
        "user_id": "alice",
        "via": "socket",
    }
    assert count(metrics, "MakeToy", "ok") == 1


@pytest.mark.parametrize(
    ("fields", "outcome"), [({"content": 5}, "invalid"), ({"content": "x"}, "conflict")]
)
async def test_errors_are_counted_and_logged_by_code(
    dispatch: Dispatch,
    toys: Catalogue,
    service: ToyService,
    metrics: Metrics,
    logged: Logged,
    fields: dict[str, Any],
    outcome: str,
) -> None:
    service.failure = raising(Conflict)
    with pytest.raises((Invalid, Conflict)):
        await dispatch.submit(toys.by_socket["toy:make"], actor(), fields, via="socket")
    assert count(metrics, "MakeToy", outcome) == 1
    assert [line["outcome"] for line in logged()] == [outcome]


async def test_the_unforeseen_is_unavailable_and_logged_once(
    dispatch: Dispatch, toys: Catalogue, service: ToyService, logged: Logged
) -> None:
    service.failure = lambda: ZeroDivisionError("a bug")
    with pytest.raises(Unavailable) as error:
        await dispatch.submit(toys.by_socket["toy:make"], actor(), {"content": "x"}, via="http")
    assert error.value.text == Unavailable.message
    failure, line = logged()
    assert "ZeroDivisionError: a bug" in failure["exception"]
    assert line["outcome"] == "unavailable"
    assert failure["trace_id"] == line["trace_id"]


async def test_a_missed_deadline_is_unavailable(
    dispatch: Dispatch, toys: Catalogue, service: ToyService, metrics: Metrics
) -> None:
    service.delay = 5
    with pytest.raises(Unavailable):
        await dispatch.submit(toys.by_socket["toy:make"], actor(), {"content": "x"}, via="http")
    assert count(metrics, "MakeToy", "unavailable") == 1


async def test_a_cancelled_command_stays_cancelled(
    dispatch: Dispatch, toys: Catalogue, service: ToyService, metrics: Metrics
) -> None:
    service.delay = 5
    endpoint = toys.by_socket["toy:make"]
    task = asyncio.create_task(dispatch.submit(endpoint, actor(), {"content": "x"}, via="socket"))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert count(metrics, "MakeToy", "cancelled") == 1


@pytest.mark.parametrize("caller", [VISITOR, actor(expires_at=1)])
async def test_only_the_signed_in_may_run_what_is_not_public(
    dispatch: Dispatch, toys: Catalogue, service: ToyService, caller: Actor | Visitor
) -> None:
    with pytest.raises(Unauthenticated):
        await dispatch.submit(toys.by_socket["toy:make"], caller, {"content": "x"}, via="socket")
    assert service.heard == []


async def test_what_is_public_sees_a_visitor_whoever_asks(
    dispatch: Dispatch, toys: Catalogue, service: ToyService
) -> None:
    endpoint = toys.by_http["POST /api/greet"]
    await dispatch.submit(endpoint, VISITOR, {}, via="http")
    await dispatch.submit(endpoint, actor(address="192.0.2.7"), {}, via="http")
    assert [caller for caller, _ in service.heard] == [VISITOR, VISITOR]


async def test_beyond_the_quota_a_user_has_to_wait(
    toys: Catalogue, service: ToyService, metrics: Metrics
) -> None:
    dispatch = Dispatch(metrics, Limits(EmbeddedLimiter(lambda: 1.0), metrics, trail_into_memory()))
    endpoint = toys.by_socket["toy:drop"]
    for _ in range(QUOTAS["command"].burst):
        await dispatch.submit(endpoint, actor(), {"toyId": "t"}, via="socket")
    with pytest.raises(RateLimited) as error:
        await dispatch.submit(endpoint, actor(), {"toyId": "t"}, via="socket")
    assert error.value.retry_after_ms == 20
    assert len(service.heard) == QUOTAS["command"].burst
    await dispatch.submit(toys.by_http["GET /api/toys"], actor(), {}, via="http")


async def test_nonsense_is_charged_like_sense(toys: Catalogue, metrics: Metrics) -> None:
    dispatch = Dispatch(metrics, Limits(EmbeddedLimiter(lambda: 1.0), metrics, trail_into_memory()))
    endpoint = toys.by_socket["toy:make"]
    outcomes = []
    for _ in range(QUOTAS[endpoint.row.cost].burst + 1):
        with pytest.raises(ChatError) as caught:
            await dispatch.submit(endpoint, actor(), {"nonsense": 1}, via="socket")
        outcomes.append(caught.value.code)
    assert set(outcomes[:-1]) == {"invalid"}
    assert outcomes[-1] == "rate_limited"


async def test_what_names_no_command_is_charged_and_recorded(
    metrics: Metrics, logged: Logged
) -> None:
    dispatch = Dispatch(metrics, Limits(EmbeddedLimiter(lambda: 1.0), metrics, trail_into_memory()))
    refusal = Invalid("there is no such event", field="event")
    outcomes = []
    for _ in range(QUOTAS["command"].burst + 1):
        with pytest.raises(ChatError) as caught:
            await dispatch.refuse(actor(), refusal, via="socket")
        outcomes.append(caught.value.code)
    assert outcomes[-2:] == ["invalid", "rate_limited"]
    assert count(metrics, "unknown", "invalid") == len(outcomes) - 1
    assert {line["command"] for line in logged()} == {"unknown"}


def begun(
    *ends: ChatError | Exception | None, raises: Exception | None = None
) -> tuple[BoundEndpoint, list[asyncio.Future[None]]]:
    """A row whose command ends one way after the other."""
    futures: list[asyncio.Future[None]] = []
    left = list(ends)

    def begin(_: object, __: object, ___: object) -> asyncio.Future[None]:
        if raises:
            raise raises
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        error = left.pop(0)
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
        futures.append(future)
        return future

    row = Endpoint(GetToy, ToyService.get, socket="toy:begin", cost="receipt", begin=begin)
    return BoundEndpoint(row, ToyService()), futures


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ("bear", None),
        ("\ud800", None),
        ([], None),
        ({}, "toyId"),
        ({"toyId": "\ud800"}, "toyId"),
        ({"toyId": math.nan}, "toyId"),
        ({"toyId": b"bear"}, "toyId"),
        ({"toyId": 1}, "toyId"),
        ({"toyId": "bear", "more": 1}, "more"),
        ({"toyId": "bear", "\ud800": 1}, "?"),
    ],
)
async def test_nonsense_is_refused_alike_whether_begun_or_run(
    dispatch: Dispatch, logged: Logged, fields: object, field: str | None
) -> None:
    endpoint, _ = begun(None)
    with pytest.raises(Invalid) as refused:
        dispatch.begin(endpoint, actor(), fields)
    assert refused.value.field == field
    assert logged() == []
    with pytest.raises(Invalid) as refused_running:
        await dispatch.submit(endpoint, actor(), fields, via="socket")
    assert refused_running.value.body() == refused.value.body()


async def test_what_is_begun_is_counted_when_it_ends_and_logged_if_it_is_a_defect(
    dispatch: Dispatch, metrics: Metrics, logged: Logged
) -> None:
    endpoint, _ = begun(None, Conflict(), ValueError("a defect"))
    for expected in (None, Conflict, ValueError):
        future = dispatch.begin(endpoint, actor(), {"toyId": "bear"})
        assert future
        if expected is None:
            await future
        else:
            with pytest.raises(expected):
                await future
    await asyncio.sleep(0)
    outcomes = [count(metrics, "GetToy", one) for one in ("ok", "conflict", "unavailable")]
    assert outcomes == [1, 1, 1]
    (defect,) = logged()
    assert (defect["event"], defect["command"]) == ("command failed", "GetToy")


async def test_what_cannot_be_begun_is_refused_at_once(
    dispatch: Dispatch, metrics: Metrics, toys: Catalogue
) -> None:
    endpoint, futures = begun()
    for fields, field in (({}, "toyId"), ({"toyId": "x", "no": 1}, "no"), ([1], None)):
        with pytest.raises(Invalid) as refused:
            dispatch.begin(endpoint, actor(), fields)
        assert refused.value.field == field
    with pytest.raises(Unauthenticated):
        dispatch.begin(endpoint, actor(expires_at=1), {"toyId": "x"})
    broken, _ = begun(raises=ValueError("a defect"))
    with pytest.raises(Unavailable):
        dispatch.begin(broken, actor(), {"toyId": "x"})
    assert futures == []
    assert count(metrics, "GetToy", "invalid") == 3
    assert dispatch.begin(toys.by_socket["toy:make"], actor(), {}) is None


async def test_what_is_charged_here_is_bounded_both_ways(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatch = Dispatch(metrics, Limits(EmbeddedLimiter(), metrics, trail_into_memory()))
    monkeypatch.setitem(
        cast("dict[str, Quota]", USER_QUOTAS), "receipt", Quota(rate=0.001, burst=3)
    )
    endpoint, futures = begun(*[None] * 4)
    for _ in range(3):
        dispatch.begin(endpoint, actor(), {"toyId": "x"})
    with pytest.raises(RateLimited):
        dispatch.begin(endpoint, actor(), {"toyId": "x"})
    assert len(futures) == 3
    with pytest.raises(RateLimited):
        await dispatch.submit(endpoint, actor(), {"toyId": "x"}, via="http")


async def test_the_time_of_a_sampled_command_leads_to_its_trace(
    toys: Catalogue, metrics: Metrics, logged: Logged
) -> None:
    spans: list[Span] = []
    dispatch = Dispatch(metrics, None, tracing=Tracing(1, spans.append))
    await dispatch.submit(toys.by_socket["toy:make"], actor(), {"content": "hush"}, via="socket")

    (span,) = spans
    assert span.attributes == {
        "whatchat.command": "MakeToy",
        "whatchat.via": "socket",
        "whatchat.outcome": "ok",
    }
    [line] = logged()
    assert (line["trace_id"], line["span_id"]) == (span.trace_id, span.span_id)
    (family,) = (
        one for one in metrics.registry.collect() if one.name == "whatchat_command_seconds"
    )
    exemplars = [sample.exemplar.labels for sample in family.samples if sample.exemplar]
    assert exemplars == [{"trace_id": span.trace_id}]


async def test_the_time_of_any_other_does_not(
    dispatch: Dispatch, toys: Catalogue, metrics: Metrics
) -> None:
    await dispatch.submit(toys.by_socket["toy:make"], actor(), {"content": "hush"}, via="socket")
    samples = [sample for family in metrics.registry.collect() for sample in family.samples]
    assert not any(sample.exemplar for sample in samples)
