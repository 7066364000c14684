"""Where the admin API is, and where it is not; and that it ends a pod."""

import asyncio
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.e2e.conftest import NodeFactory
from tests.e2e.node_process import NodeProcess, free_port

TOKEN = "the operator's token"
WITH_TOKEN = {"WHATCHAT_ADMIN_TOKEN": TOKEN}
ORIGIN = "https://chat.example.org"


class OpenNode(NodeProcess):
    """A node that other machines reach."""

    def _arguments(self) -> Sequence[str]:
        return "serve", "--host", "0.0.0.0", "--port", str(self.port)


def status_of(port: int, path: str = "/admin/pod", *, method: str = "GET") -> tuple[int, set[str]]:
    """The status of an answer, and the names of its headers."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Origin": ORIGIN}
    url = f"http://127.0.0.1:{port}{path}"
    request = urllib.request.Request(url, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, {name.lower() for name in answer.headers}
    except urllib.error.HTTPError as error:
        with error:
            return error.code, {name.lower() for name in error.headers}


def test_it_is_on_the_main_port_if_only_this_machine_reaches_it(node_factory: NodeFactory) -> None:
    node = node_factory({**WITH_TOKEN, "WHATCHAT_CORS_ORIGINS": ORIGIN})
    status, headers = status_of(node.port)
    assert status == 200
    assert {"x-content-type-options", "content-security-policy", "cache-control"} <= headers
    assert not [name for name in headers if name.startswith("access-control")]
    assert "access-control-allow-origin" in status_of(node.port, "/api/users/me")[1]


def test_it_is_nowhere_if_others_reach_the_main_port(tmp_path: Path) -> None:
    node = OpenNode(tmp_path, WITH_TOKEN)
    node.start()
    try:
        assert [status_of(node.port, path)[0] for path in ("/admin/pod", "/admin")] == [404, 404]
    finally:
        node.close()


def test_it_is_nowhere_without_a_token(node_factory: NodeFactory) -> None:
    internal = free_port()
    node = node_factory({"WHATCHAT_ADMIN_TOKEN": ""})
    assert status_of(node.port)[0] == 404
    node = InternalNode(node.data_dir / "other", internal, {"WHATCHAT_ADMIN_TOKEN": ""})
    node.data_dir.mkdir()
    node.start()
    try:
        assert [status_of(port)[0] for port in (node.port, internal)] == [404, 404]
    finally:
        node.close()


class InternalNode(NodeProcess):
    """A node with an internal port, on which it says that it is ready."""

    def __init__(self, data_dir: Path, internal: int, env: dict[str, str]) -> None:
        super().__init__(data_dir, {**env, "WHATCHAT_INTERNAL_PORT": str(internal)})
        self.internal = internal

    def _is_ready(self) -> bool:
        try:
            return status_of(self.internal, "/readyz")[0] == 200
        except OSError:
            return False


@pytest.mark.parametrize("kind", ["sockets", "pod"])
def test_it_is_on_the_internal_port_alone_where_there_is_one(tmp_path: Path, kind: str) -> None:
    node = InternalNode(tmp_path, free_port(), WITH_TOKEN)
    node.start()
    try:
        assert status_of(node.internal, f"/admin/{kind}")[0] == 200
        assert status_of(node.port, f"/admin/{kind}")[0] == 404
    finally:
        node.close()


async def test_a_drained_pod_ends_as_by_sigterm(node_factory: NodeFactory) -> None:
    node = node_factory(WITH_TOKEN)
    assert status_of(node.port, "/admin/drain", method="POST")[0] == 202
    assert status_of(node.port, "/readyz")[0] == 503
    assert await asyncio.to_thread(node.ended, seconds=20) == 0
