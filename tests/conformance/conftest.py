"""The conformance app, running."""

from collections.abc import Iterator

import pytest

from tests.conformance.app_process import AppProcess, Kind

# As the protocols' own suites have them, which wait for heartbeats and for their absence.
PING_INTERVAL_MS = 300
PING_TIMEOUT_MS = 200
MAX_PAYLOAD = 1_000_000

TRACEBACK = "Traceback (most recent call last)"


@pytest.fixture(scope="module")
def engineio_app() -> Iterator[AppProcess]:
    """An Engine.IO echo with quick heartbeats that the module's tests share."""
    yield from _app("engineio")


@pytest.fixture(scope="module")
def socketio_app() -> Iterator[AppProcess]:
    """A Socket.IO echo with quick heartbeats that the module's tests share."""
    yield from _app("socketio")


def _app(kind: Kind) -> Iterator[AppProcess]:
    with AppProcess(
        kind,
        ping_interval_ms=PING_INTERVAL_MS,
        ping_timeout_ms=PING_TIMEOUT_MS,
        max_payload=MAX_PAYLOAD,
    ) as app:
        yield app
        assert TRACEBACK not in app.output()
