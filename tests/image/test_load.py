"""The image of load tests, run: as its own user, on a root that nobody can write to."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.node_process import free_port
from tests.image.conftest import Image
from tests.image.container import Container
from tests.servers.cluster import Cluster
from tests.wide_gates import WIDE

pytestmark = [pytest.mark.image, pytest.mark.timeout(1200)]

SECRET = secrets.token_hex(32)
USERS = "--users=20"
SCRATCH = ["MPLCONFIGDIR=/data", "TMPDIR=/data"]
"""In a cluster ``/tmp`` is a volume of its own."""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    env = {"WHATCHAT_JWT_SECRET": SECRET, "WHATCHAT_RATE_LIMITS": "off"}
    with Cluster(tmp_path / "cluster", pods=2, env=env) as cluster:
        yield cluster


def test_people_are_seeded_and_a_run_is_played_and_judged(
    load_image: Image, cluster: Cluster, data: Path
) -> None:
    config = {**load_image.config, "Env": [*load_image.config["Env"], *SCRATCH]}

    def run(*words: str) -> Container:
        settings = {"jwt_secret": SECRET, "store_url": cluster.mongo.url("whatchat")}
        return Container(load_image.root, config, words, data=data, **settings)

    port = str(free_port())
    host = cluster.url.replace("localhost", "127.0.0.1")  # a runtime would give /etc/hosts
    master = (
        *("loadtests.job", "pairs", USERS, "--workers=1", "--expect-pods=2", "--out=/data/pairs"),
        *(f"--host={host}", f"--pods={','.join(cluster.urls)}", "--metrics-port=0", *WIDE),
        *("--warm=1", "--hold=5", "--settle=1", "--master-bind-port", port),
    )
    worker = (
        *("locust", "--worker", "--master-host=127.0.0.1", "--master-port", port),
        "--locustfile=/opt/load/loadtests/scenarios/pairs.py",
    )
    for words in (("whatchat", "migrate"), ("loadtests.seed", "--scenario=pairs", USERS)):
        with run(*words) as once:
            assert once.ended()[0] == 0
    with run(*master) as judges, run(*worker) as plays:
        status, errors = judges.ended(seconds=90)
        assert status == 0, errors
        assert plays.ended()[0] == 0
    assert json.loads((data / "pairs" / "summary.json").read_text())["passed"]
    assert len(list((data / "pairs").glob("*.svg"))) == 3
