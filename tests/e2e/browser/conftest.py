"""Browsers to look at the playground with."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser

from tests.e2e.browser.chromium import running_chromium
from tests.e2e.browser.people import Newcomers
from tests.e2e.node_process import NodeProcess


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """A browser of the test's own."""
    async with running_chromium() as browser:
        yield browser


@pytest.fixture
async def newcomers(chromium: Browser, node: NodeProcess) -> Newcomers:
    """Registers people on the module's node, each in a browser profile of their own."""
    return Newcomers(chromium, node.url)
