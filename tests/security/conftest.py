"""What attacks take."""

from collections.abc import AsyncIterator

import pytest

from tests.security.stage import Stage


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """A pod with nobody on it; nothing that is done to it may surprise it."""
    async with Stage() as stage:
        yield stage
        errors = [one for one in stage.logged() if one["level"] in {"error", "critical"}]
        assert errors == [], "an attack was not foreseen"
