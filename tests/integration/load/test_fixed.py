"""A cluster for a load test on this machine, one pod of which dies."""

from pathlib import Path

from loadtests.stage.fixed import Shape, fixed


def test_a_pod_that_dies_is_told(tmp_path: Path) -> None:
    with fixed(Shape(pods=2, proxies=0), tmp_path) as stage:
        assert stage.troubles() == []
        stage._cluster.pods[1].kill()
        assert stage.troubles() == [f"{tmp_path}/pod-2/node.log: it has ended"]
        stage._cluster.pods[1].start()
        assert stage.troubles() == []
