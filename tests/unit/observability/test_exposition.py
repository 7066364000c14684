import asyncio
from collections.abc import Callable, Iterator
from typing import cast

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from whatchat.observability.exposition import OPENMETRICS, TEXT, Exposition, content_type_for
from whatchat.observability.metrics import Metrics, declarations

_parsed = cast("Callable[[str], Iterator[Metric]]", text_string_to_metric_families)

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;"
    "escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def exposition(metrics: Metrics) -> Exposition:
    return Exposition(metrics)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        ("text/plain;version=0.0.4;q=1,*/*;q=0.1", TEXT),
        (
            PROMETHEUS_2,
            OPENMETRICS,
        ),
        (
            PROMETHEUS_3,
            OPENMETRICS,
        ),
        ("application/openmetrics-text;version=0.0.1", TEXT),
        ("application/openmetrics-text;version=new", TEXT),
        ("application/openmetrics-text;version=;=;;", OPENMETRICS),
        ("text/plain;version=\u00e9.1", TEXT),
        (",;," * 1_000, TEXT),
    ],
)
def test_a_scraper_gets_the_format_it_asks_for(accept: str, content_type: str) -> None:
    assert content_type_for(accept) == content_type


async def test_openmetrics_has_exemplars_and_units(
    metrics: Metrics, exposition: Exposition
) -> None:
    metrics.delivery_seconds.labels("local").observe(0.003, {"trace_id": "4bf92f3577b34da6"})
    text = (await exposition.of(OPENMETRICS)).decode()
    assert text.endswith("# EOF\n")
    assert text.count("# EOF") == 1
    families = {family.name: family for family in _parsed(text)}
    assert families["whatchat_delivery_seconds"].unit == "seconds"
    exemplars = [
        sample.exemplar
        for sample in families["whatchat_delivery_seconds"].samples
        if sample.exemplar
    ]
    assert [exemplar.labels for exemplar in exemplars] == [{"trace_id": "4bf92f3577b34da6"}]
    assert "process_open_fds" in families


async def test_the_text_format_says_the_same_without_exemplars(
    metrics: Metrics, exposition: Exposition
) -> None:
    metrics.delivery_seconds.labels("local").observe(0.003, {"trace_id": "4bf92f3577b34da6"})
    text = (await exposition.of(TEXT)).decode()
    assert 'whatchat_delivery_seconds_bucket{le="0.005",origin="local"} 1.0' in text
    assert "# TYPE process_open_fds gauge" in text
    assert "trace_id" not in text
    assert "# EOF" not in text


@pytest.mark.parametrize("content_type", [TEXT, OPENMETRICS])
async def test_a_metric_told_in_pieces_is_told_as_in_one(
    metrics: Metrics,
    exposition: Exposition,
    content_type: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for command in range(30):
        metrics.command_seconds.labels(f"Command{command}").observe(0.01, {"trace_id": "a"})

    async def told() -> list[str]:
        lines = (await exposition.of(content_type)).decode().splitlines()
        ours = [line for line in lines if "whatchat_" in line]
        return [line for line in ours if "whatchat_scrape_seconds" not in line]

    monkeypatch.setattr("whatchat.observability.exposition.PIECE", 7)
    in_pieces = await told()
    monkeypatch.setattr("whatchat.observability.exposition.PIECE", 1_000_000)
    assert in_pieces == await told()


async def test_others_have_their_turn_while_it_is_made(
    metrics: Metrics, exposition: Exposition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("whatchat.observability.exposition.SLICE_SECONDS", 0)
    turns: list[bool] = []
    is_making = False

    def begin() -> None:
        nonlocal is_making
        is_making = True

    async def others() -> None:
        while True:
            turns.append(is_making)
            await asyncio.sleep(0)

    # Before it begins there are turns anyway, while a thread reads the process' own numbers.
    metrics.when_scraped(begin)
    running = asyncio.create_task(others())
    await exposition.of(TEXT)
    running.cancel()
    assert turns.count(True) >= len(list(declarations()))


async def test_it_is_written_as_the_library_writes_it(
    metrics: Metrics, exposition: Exposition
) -> None:
    metrics.command_seconds.labels('a "hostile"\n\\name').observe(0.01)
    metrics.commands.labels("SendMessage", "ok").inc(1e21)
    for _ in range(2):
        lines = (await exposition.of(TEXT)).decode().splitlines()
        written = metrics.render().decode().splitlines()
        assert [line for line in lines if _is_still(line)] == list(filter(_is_still, written))


def _is_still(line: str) -> bool:
    return line.startswith("whatchat_") and "scrape_seconds" not in line


async def test_scrapers_who_wait_share_one_exposition(
    metrics: Metrics, exposition: Exposition
) -> None:
    made: list[None] = []
    metrics.when_scraped(lambda: made.append(None))
    texts = await asyncio.gather(*(exposition.of(TEXT) for _ in range(6)))
    assert len(made) == 2
    assert len(set(map(id, texts))) == 2
    await exposition.of(TEXT)
    assert len(made) == 3


async def test_what_is_told_is_not_older_than_the_question(
    metrics: Metrics, exposition: Exposition
) -> None:
    first = asyncio.ensure_future(exposition.of(TEXT))
    await asyncio.sleep(0)
    metrics.work_fed.inc()
    assert b"whatchat_work_fed_total 1.0" in await exposition.of(TEXT)
    await first


async def test_one_that_hangs_up_leaves_the_others_their_turn(exposition: Exposition) -> None:
    gone = asyncio.create_task(exposition.of(TEXT))
    waiting = asyncio.create_task(exposition.of(TEXT))
    await asyncio.sleep(0)
    gone.cancel()
    assert (await waiting).startswith(b"# HELP")


async def test_what_cannot_be_set_is_logged_and_hides_nothing(
    metrics: Metrics, exposition: Exposition
) -> None:
    metrics.when_scraped(_fail)
    metrics.when_scraped(lambda: metrics.local_rooms.set(3))
    with capture_logs() as logs:
        assert b"whatchat_local_rooms 3.0" in await exposition.of(TEXT)
    assert [line["event"] for line in logs] == ["metrics cannot be set"]


async def test_the_loop_time_of_an_exposition_is_in_the_next(
    metrics: Metrics, exposition: Exposition
) -> None:
    assert b"whatchat_scrape_seconds_count 0.0" in await exposition.of(TEXT)
    assert b"whatchat_scrape_seconds_count 1.0" in await exposition.of(TEXT)


def _fail() -> None:
    raise RuntimeError
