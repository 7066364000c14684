"""Nodes to talk to, and the programs that talk to them."""

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest

from tests.e2e.node_process import NodeProcess

PROGRAMS = ("chromium", "node", "strace")


class NodeFactory(Protocol):
    """Starts a node; ``env`` overrides settings, ``data_dir`` takes over another's data."""

    def __call__(
        self, env: Mapping[str, str] | None = None, *, data_dir: Path | None = None
    ) -> NodeProcess: ...


@pytest.fixture(scope="session", autouse=True)
def programs() -> None:
    """A missing program is a failure, not a reason to test less."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        pytest.fail(f"not installed: {', '.join(missing)} (`make setup` installs what is missing)")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A running node that the module's tests share."""
    node = NodeProcess(tmp_path_factory.mktemp("node"))
    try:
        node.start()
        yield node
    finally:
        node.close()
    assert node.tracebacks() == []


@pytest.fixture
def node_factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeFactory]:
    """Starts nodes of the test's own, which end with it."""
    nodes: list[NodeProcess] = []

    with contextlib.ExitStack() as ends:

        def start(
            env: Mapping[str, str] | None = None, *, data_dir: Path | None = None
        ) -> NodeProcess:
            nodes.append(NodeProcess(data_dir or tmp_path_factory.mktemp("node"), env))
            ends.callback(nodes[-1].close)
            nodes[-1].start()
            return nodes[-1]

        yield start
    assert [text for node in nodes for text in node.tracebacks()] == []
