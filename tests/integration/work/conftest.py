"""Pods whose work is counted, on the loop that pods run on."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import structlog

from tests.integration.work.counting import CountingLoop
from tests.integration.work.pod import Pod, running_pod
from whatchat.realtime import membership_watch


def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": CountingLoop}


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Each connection's line in the log is work, and is not what is counted."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    yield
    structlog.reset_defaults()


@pytest.fixture
async def pod(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pod]:
    # What a pod does each second for all its connections is no work of any of them.
    monkeypatch.setattr(membership_watch, "POLL_SECONDS", 3_600.0)
    async with running_pod() as pod:
        yield pod
