import io
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
import structlog

from tests.unit.entrypoints.toys import TOKEN, OneToken, ToyService, catalogue
from whatchat.domain.contract import Catalogue
from whatchat.entrypoints.asgi import http_application
from whatchat.entrypoints.dispatch import Dispatch
from whatchat.entrypoints.http import Rest
from whatchat.observability.logging import configure_logging
from whatchat.observability.metrics import Metrics

MAX_BODY_BYTES = 4096


@pytest.fixture
def service() -> ToyService:
    return ToyService()


@pytest.fixture
def toys(service: ToyService) -> Catalogue:
    return catalogue(service)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def dispatch(metrics: Metrics) -> Dispatch:
    return Dispatch(metrics, None, deadline_seconds=0.2)


@pytest.fixture
async def client(toys: Catalogue, dispatch: Dispatch) -> AsyncIterator[httpx.AsyncClient]:
    """Alice, signed in, and the real application."""
    rest = Rest(dispatch, OneToken(), max_body_bytes=MAX_BODY_BYTES)
    app = http_application(rest.routes(toys), [], cors_origins=["https://app.example"])
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://pod",
        headers={"Authorization": f"Bearer {TOKEN}"},
    ) as client:
        yield client


@pytest.fixture
def logged() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What the log holds, line by line."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging(stream)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()
