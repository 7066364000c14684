"""Metrics have as few series as they are declared to, and name nobody, whatever is done."""

import asyncio
import contextlib
import re
import subprocess
from collections import defaultdict
from collections.abc import Awaitable

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.security.commands import filled, ids_of, rest, rows
from tests.security.stage import Stage
from whatchat.observability.metrics import declarations

PLAIN = re.compile(r"[A-Za-z0-9_:.*+-]{1,60}")
HOSTILE = (
    *("connect", "disconnect", "error", "message:send:more", "__proto__", "x" * 300),
    *('"}\n evil{', "\u00e9\u0000", "room:" + "1" * 40),
)


async def tried(asking: Awaitable[object]) -> None:
    """Whatever comes of it: it is counted."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(0.5):
            await asking


@pytest.fixture
async def told(stage: Stage) -> tuple[str, list[str]]:
    """The exposition after a busy conversation, and what must not be in it."""
    ada, bob = await stage.people("ada", "bob")
    room = await ada.group(bob)
    message = await ada.send(room, "the words of ada")
    ids = ids_of(room, message["id"], bob.id)
    socket = await stage.socket(ada.token)
    # What ends a session comes last.
    for row in sorted(rows(), key=lambda row: "auth" in (row.http or "")):
        fields = filled(row, ids)
        if row.http:
            with contextlib.suppress(KeyError):
                await rest(ada, row, fields)
        if row.socket:
            await tried(socket.ask(row.socket, fields))
    other = await stage.socket(bob.token)
    for number, name in enumerate(HOSTILE):
        await tried(other.ask(f"{name}{number}", {"roomId": room, name: name}))
        await tried(other.ask(name, {"roomId": room, name: name}))
    http = httpx.AsyncClient(base_url=stage.node.http.base_url)
    async with http:
        for number in range(40):
            await http.request(f"INVENTED{number}", f"/api/rooms/{room}/{number}")
            await http.get(f"/api/nowhere/{number}", headers={"Authorization": f"Bearer {number}"})
            await http.get(f"/socket.io/?EIO={number}&transport=made-up-{number}&sid={number}")
        text = (await http.get("/metrics")).text
    return text, [ada.id, bob.id, room, message["id"], ada.username, bob.username, "127.0.0.1"]


async def test_series_are_few_and_name_nobody(told: tuple[str, list[str]]) -> None:
    text, private = told
    found: dict[str, set[tuple[tuple[str, str], ...]]] = defaultdict(set)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = tuple(sorted((k, v) for k, v in sample.labels.items() if k != "le"))
            found[family.name].add(labels)
    for _, declared in declarations():
        series = found.pop(declared.name, set())
        assert len(series) <= declared.most_series, declared.name
        for one in series:
            assert {name for name, _ in one} == set(declared.labels), declared.name
    assert all(name.startswith(("process_", "python_")) for name in found)
    ours = [line for line in text.splitlines() if line.startswith("whatchat_")]
    assert any(line.startswith('whatchat_commands_total{command="unknown"') for line in ours)
    values = [value for line in ours for value in re.findall(r'="([^"]*)"', line)]
    assert [value for value in values if not PLAIN.fullmatch(value)] == []
    assert [one for one in private if any(one in value for value in values)] == []
    assert await asyncio.to_thread(complaints, text) == ""


def complaints(text: str) -> str:
    """What Prometheus' own tool has to say, but for the Python client's own metrics."""
    ours = "".join(line for line in text.splitlines(keepends=True) if "python_" not in line)
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=ours.encode(),
        capture_output=True,
        check=False,
    )
    return (checked.stdout + checked.stderr).decode()
