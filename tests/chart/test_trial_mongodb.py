"""The trial MongoDB becomes a replica set of one node by what the chart runs, for real."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymongo import MongoClient

from tests.chart.helm import CHART, render, secret, the
from tests.servers.mongod import MongoNode, ReplicaSet

SCRIPT = CHART / "files" / "initiate.py"
PASSWORD = "of-the-trial-node"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoNode]:
    """A node as the official image leaves it: a key, one user, and no replica set yet."""
    folder = tmp_path_factory.mktemp("mongodb")
    key = folder / "key"
    key.write_text("k" * 64)
    key.chmod(0o400)
    node = MongoNode(folder / "node", ["--keyFile", str(key)])
    node.start(alone=True)
    node.command("createUser", "whatchat", pwd=PASSWORD, roles=["root"])
    node.stop()
    node.start()
    yield node
    node.kill()


def url_of(node: MongoNode) -> str:
    made = secret(render(), "whatchat-mongodb")
    host = "whatchat-mongodb-0.whatchat-mongodb.chat.svc.cluster.local:27017"
    return made["url"].replace(made["password"], PASSWORD).replace(host, node.host)


def start(node: MongoNode, url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, SCRIPT, node.host],
        env={"WHATCHAT_STORE_URL": url},
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[str, int]:
    """What it said, and its status."""
    return process.communicate(timeout=30)[1], process.returncode


def test_two_pods_initiate_it_at_a_time_and_a_third_later(node: MongoNode) -> None:
    url = url_of(node)
    at_a_time = [start(node, url), start(node, url)]
    assert [ended(each) for each in at_a_time] == [("", 0)] * 2
    with MongoClient[dict[str, object]](url, timeoutMS=20_000) as client:
        client.whatchat.kept.insert_one({"_id": 1})
        assert ended(start(node, url)) == ("", 0)
        config = client.admin.command("replSetGetConfig")["config"]
    assert config["_id"] == ReplicaSet.NAME
    assert [member["host"] for member in config["members"]] == [node.host]


def test_it_says_once_why_it_waits_and_ends_when_told_to(node: MongoNode) -> None:
    waiting = start(node, url_of(node).replace(PASSWORD, "another"))
    assert waiting.stderr is not None
    line = waiting.stderr.readline()
    assert f"{node.host} is not a replica set yet: OperationFailure: Authentication failed" in line
    assert "another" not in line
    waiting.terminate()
    assert ended(waiting) == ("", 128 + 15)


def test_the_script_is_in_the_config_map_whole() -> None:
    kept = the(render(), "ConfigMap", "whatchat-mongodb")["data"]["initiate.py"]
    assert kept == Path(SCRIPT).read_text()
