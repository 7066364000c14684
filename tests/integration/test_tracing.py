"""Whatever becomes of the collector, people talk as before, and pods end in time."""

import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from statistics import median
from time import monotonic
from typing import Any

import httpx
import pytest

from tests.servers.otlp_receiver import Answer, OtlpReceiver
from whatchat.bootstrap import build
from whatchat.domain.ids import random_id
from whatchat.observability.otlp import CLOSE_SECONDS
from whatchat.settings import Settings

MESSAGES = 60
SLACK_SECONDS = 0.005
"""What a median may differ by on a machine that does other things as well."""


@pytest.fixture
def endpoint(request: pytest.FixtureRequest) -> Iterator[str]:
    """A collector of the kind that the test is parametrised with."""
    with ExitStack() as stack:
        if request.param == "closed":
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            port = listener.getsockname()[1]
            listener.close()
            yield f"http://127.0.0.1:{port}"
        elif request.param == "silent":
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        else:
            receiver = stack.enter_context(OtlpReceiver())
            receiver.answer = lambda: Answer(int(request.param), retry_after="3600")
            yield receiver.url


@pytest.mark.parametrize("endpoint", ["closed", "silent", "500", "429"], indirect=True)
async def test_no_message_waits_for_a_collector(endpoint: str) -> None:
    without, _ = await talk()
    with_one, ending = await talk(otlp_endpoint=endpoint, trace_ratio=1.0)

    assert with_one < 2 * without + SLACK_SECONDS
    assert ending < CLOSE_SECONDS + 2


async def talk(**settings: Any) -> tuple[float, float]:
    """The median of what messages took on a pod of its own, and how long that took to end."""
    async with AsyncExitStack() as stack:
        client, stop = await anew(stack, **settings)
        room = (await client.post("/api/rooms", json={"kind": "group", "participants": []})).json()
        taken = []
        for _ in range(MESSAGES):
            begun = monotonic()
            body = {"roomId": room["id"], "clientId": random_id(), "content": "hi"}
            answer = await client.post("/api/messages", json=body)
            taken.append(monotonic() - begun)
            assert answer.status_code == 201, answer.text
        begun = monotonic()
        await stop()
        return median(taken), monotonic() - begun


async def anew(
    stack: AsyncExitStack, **settings: Any
) -> tuple[httpx.AsyncClient, Callable[[], Awaitable[None]]]:
    """Somebody signed in on a pod, and what ends the pod."""
    pod = await build(
        Settings.model_validate(
            {
                "store_url": "sqlite://:memory:",
                "jwt_secret": "a secret of the tests, long enough to sign",
                "rate_limits": "off",
                **settings,
            }
        )
    )
    await pod.start()
    transport = httpx.ASGITransport(pod.asgi)
    client = await stack.enter_async_context(
        httpx.AsyncClient(transport=transport, base_url="http://pod")
    )
    person = {"username": "ada", "password": "correct horse battery staple"}
    account = (await client.post("/api/auth/register", json=person)).json()
    client.headers["authorization"] = f"Bearer {account['accessToken']}"
    return client, pod.stop
