"""What python-socketio's server asks of an engine, where it does not drive one itself."""

import asyncio
from collections.abc import Callable
from typing import Any

from whatchat.realtime.tasks import Tasks


class EngineFace:
    """Our engine, as far as python-socketio's server asks for one."""

    async_mode = "asgi"

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._users: dict[str, dict[str, Any]] = {}

    def on(self, _event: str, _handler: Callable[..., Any]) -> None:
        """Sessions come and go through the server itself."""

    async def get_session(self, eio_sid: str | None) -> dict[str, Any]:
        """What handlers keep with a client. Raises ``KeyError`` for one that is gone."""
        if eio_sid is None:
            raise KeyError("Session not found")
        return self._users.setdefault(eio_sid, {})

    def forget(self, eio_sid: str) -> None:
        """A client is gone."""
        self._users.pop(eio_sid, None)

    def start_background_task(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return self._tasks.spawn(work(*args, **kwargs), name="background")

    async def sleep(self, seconds: float = 0) -> None:
        await asyncio.sleep(seconds)

    def create_event(self) -> asyncio.Event:
        return asyncio.Event()
