"""The README's examples run as they are printed."""

import asyncio
import re
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import NodeFactory
from tests.e2e.node_process import NodeProcess
from tests.e2e.raw import Account, direct_room, history, rest

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse"
PATIENCE_SECONDS = 20


@pytest.fixture
async def node(node_factory: NodeFactory) -> NodeProcess:
    """A node where only the README's people are."""
    return await asyncio.to_thread(node_factory)


def example(language: str, node: NodeProcess) -> str:
    found = re.search(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert found
    return found[1].replace("http://127.0.0.1:8000", node.url)


async def register(node: NodeProcess, name: str) -> Account:
    body = {"username": name, "password": PASSWORD}
    status, answer = await rest(node, "POST", "/auth/register", body)
    assert status == 201
    return Account(
        id=answer["user"]["id"],
        username=name,
        token=answer["accessToken"],
        refresh_token=answer["refreshToken"],
        device_id=answer["deviceId"],
    )


async def first_line(*command: str, cwd: Path = ROOT) -> str:
    """What a program prints first; examples go on until they are stopped."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            line = await process.stdout.readline()
            return line.decode().strip() or (await process.stderr.read()).decode()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_the_python_example_says_hello(node: NodeProcess) -> None:
    ada, grace = await register(node, "ada"), await register(node, "grace")
    assert await first_line(sys.executable, "-c", example("python", node)) == "ada Hello!"
    said = await history(node, grace, await direct_room(node, ada, grace))
    assert [message["content"] for message in said] == ["Hello!"]


async def test_the_javascript_example_says_hello(node: NodeProcess) -> None:
    ada, grace = await register(node, "ada"), await register(node, "grace")
    room = await direct_room(node, ada, grace)
    script = f"const accessToken = {ada.token!r};\n{example('js', node)}"
    command = ("node", "--input-type=module", "--eval", script)
    line = await first_line(*command, cwd=ROOT / "tests" / "js")
    assert line == "{", "the ack is printed"
    said = await history(node, grace, room)
    assert [message["content"] for message in said] == ["Hello!"]
