"""How many files a node may hold."""

import resource

from tests.e2e.conftest import NodeFactory

FEW = 512


def test_a_node_raises_its_limit_as_far_as_it_may(node_factory: NodeFactory) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FEW, hard))
    try:
        node = node_factory()  # it inherits ours
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert hard > FEW
    assert resource.prlimit(node.pid, resource.RLIMIT_NOFILE) == (hard, hard)
