"""Whether a node is alive, as a container runtime asks."""

from tests.e2e.conftest import NodeFactory
from whatchat.entrypoints.health import ask_health


def test_a_node_is_alive_until_it_is_killed(node_factory: NodeFactory) -> None:
    node = node_factory()
    assert ask_health(node.port) is None
    node.kill()
    assert ask_health(node.port) == f"no answer from port {node.port}: Connection refused"
