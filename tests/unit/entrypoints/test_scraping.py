import asyncio
from typing import Any

import pytest
from starlette.types import Message, Scope

from whatchat.entrypoints import scraping
from whatchat.entrypoints.scraping import CHUNK_BYTES, MAX_SCRAPES, Scraping
from whatchat.observability.exposition import Exposition
from whatchat.observability.metrics import Metrics

SCOPE: Scope = {"type": "http", "method": "GET", "headers": []}


class Scraper:
    """Takes what it is sent, or, from a number of pieces on, takes nothing."""

    def __init__(self, *, takes: int = 1_000) -> None:
        self.taken: list[Message] = []
        self._takes = takes

    async def receive(self) -> Any:
        await asyncio.Event().wait()

    async def send(self, message: Message) -> None:
        if len(self.taken) >= self._takes:
            await asyncio.Event().wait()
        self.taken.append(message)

    @property
    def status(self) -> int:
        return int(self.taken[0]["status"])

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.taken)


@pytest.fixture
def app() -> Scraping:
    metrics = Metrics()
    for command in range(50):
        metrics.command_seconds.labels(f"Command{command}").observe(0.01)
    return Scraping(Exposition(metrics))


async def scrape(app: Scraping, scraper: Scraper) -> None:
    await app(SCOPE, scraper.receive, scraper.send)


async def test_it_comes_in_pieces_that_are_all_there(app: Scraping) -> None:
    scraper = Scraper()
    await scrape(app, scraper)
    start, *pieces = scraper.taken
    assert dict(start["headers"])[b"content-length"] == str(len(scraper.body)).encode()
    assert len(pieces) >= 2
    assert max(len(piece["body"]) for piece in pieces) <= CHUNK_BYTES
    assert [piece["more_body"] for piece in pieces] == [*(len(pieces) - 1) * [True], False]
    assert scraper.body.startswith(b"# HELP")


async def test_one_that_does_not_read_is_left(
    app: Scraping, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scraping, "HAND_OUT_SECONDS", 0.05)
    scraper = Scraper(takes=2)
    await asyncio.wait_for(scrape(app, scraper), timeout=5)
    assert len(scraper.taken) == 2


async def test_so_many_at_a_time_and_no_more(app: Scraping) -> None:
    slow = [asyncio.create_task(scrape(app, Scraper(takes=1))) for _ in range(MAX_SCRAPES)]
    await asyncio.sleep(0)
    late = Scraper()
    await scrape(app, late)
    assert late.status == 503
    slow[0].cancel()
    await asyncio.wait(slow[:1])
    later = Scraper()
    await scrape(app, later)
    assert later.status == 200
    for task in slow:
        task.cancel()
    await asyncio.wait(slow)
