"""``whatchat check`` says whether a cluster works, and what is wrong with one that does not."""

import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.e2e.node_process import NodeProcess
from tests.e2e.raw import Account, history, rest
from tests.servers.cluster import Cluster
from tests.servers.haproxy import HAProxy
from tests.servers.product_process import inherited
from tests.servers.redis_server import RedisServer
from tests.waiting import until
from whatchat.__main__ import app
from whatchat.entrypoints.checks.accounts import CheckAccount
from whatchat.entrypoints.checks.checks import check_health, check_message, check_polling
from whatchat.entrypoints.checks.peer import CheckFailed
from whatchat.entrypoints.checks.pods import PodAddress, find_pods

SECRET = secrets.token_hex(32)
ENV = {"WHATCHAT_JWT_SECRET": SECRET, "WHATCHAT_RATE_LIMITS": "on"}
KEY = b"a key of accounts that come again"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Two pods that the module's tests share; the last test ends one."""
    with Cluster(tmp_path_factory.mktemp("cluster"), pods=2, env=ENV) as cluster:
        yield cluster
        assert [text for pod in cluster.pods for text in pod.tracebacks()] == []


class OtherProxy(HAProxy):
    """HAProxy with a line of its configuration in place of another."""

    def __init__(self, folder: Path, pods: list[str], old: str, new: str) -> None:
        super().__init__(folder, pods)
        self._old, self._new = old, new

    def _configured(self) -> str:
        configured = super()._configured()
        assert self._old in configured
        return configured.replace(self._old, self._new)


Proxied = Callable[[str, str], HAProxy]


@pytest.fixture
def proxied(cluster: Cluster, tmp_path: Path) -> Iterator[Proxied]:
    """Puts another proxy in front of the cluster's pods."""
    with ExitStack() as ends:

        def start(old: str, new: str) -> HAProxy:
            proxy = OtherProxy(tmp_path, addresses(cluster), old, new)
            ends.callback(proxy.stop)
            proxy.start()
            return proxy

        yield start


def addresses(cluster: Cluster) -> list[str]:
    return [f"127.0.0.1:{pod.port}" for pod in cluster.pods]


def ran(*arguments: str) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(app, ["check", *arguments])


def test_a_cluster_that_works_passes_every_check(cluster: Cluster) -> None:
    pods = [word for address in addresses(cluster) for word in ("--pods", address)]
    done = subprocess.run(  # with no library but those of the image
        [
            *(sys.executable, "-m", "whatchat", "check", "--url", cluster.url),
            *(*pods, "--internal-port", "0"),
        ],
        check=False,
        env=inherited() | {"WHATCHAT_JWT_SECRET": SECRET},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        f"ok    health: 2 pods are ready, {cluster.url} answers",
        "ok    polling: 20 clients polled 80 times and met their pod each time",
        "ok    message: messages crossed between 2 pods",
    ]
    assert done.returncode == 0


async def test_what_a_check_leaves_is_two_accounts_and_a_room_without_content(
    cluster: Cluster,
) -> None:
    urls = [pod.url for pod in find_pods(addresses(cluster), 0)]
    for _ in range(2):
        check_message(urls, cluster.url, KEY)
    speaker, listener = CheckAccount(cluster.url, KEY, "a"), CheckAccount(cluster.url, KEY, "b")
    account = Account(speaker.id, "", speaker.token, "", "")
    found = await history(cluster, account, speaker.room_with(listener))
    assert len(found) == 4  # each way, twice
    assert all(one["deletedAt"] and not one["content"] for one in found)
    _, devices = await rest(cluster, "GET", "/devices", token=speaker.token)
    assert len(devices["devices"]) == 1  # this one: the checks' are signed out
    speaker.leave()

    async def is_refused() -> bool:
        return (await rest(cluster, "GET", "/users/me", token=speaker.token))[0] == 401

    await until(is_refused)
    listener.leave()


def test_a_proxy_that_spreads_a_clients_requests_is_found(
    cluster: Cluster, proxied: Proxied
) -> None:
    cookie = "    cookie WHATCHAT insert indirect nocache httponly\n"
    proxy = proxied(f"    balance leastconn\n{cookie}", "    balance roundrobin\n")
    with pytest.raises(CheckFailed, match=r"\d+ of 20 clients came to a pod that did not know"):
        check_polling(proxy.url, 20)
    done = ran("--url", proxy.url, "--only", "polling")
    assert done.exit_code == 1
    assert done.stdout.startswith("FAIL  polling: ")


def test_a_proxy_that_refuses_websockets_is_found(cluster: Cluster, proxied: Proxied) -> None:
    proxy = proxied(
        "    default_backend pods\n",
        "    default_backend pods\n    http-request deny if { hdr(upgrade) -i websocket }\n",
    )
    with pytest.raises(CheckFailed, match="does not let WebSockets through"):
        check_polling(proxy.url, 2)


def test_pods_that_do_not_hear_each_other_are_found(cluster: Cluster, tmp_path: Path) -> None:
    redis = RedisServer(tmp_path / "redis")
    with ExitStack() as ends:
        ends.callback(redis.stop)
        redis.start()
        env = {
            **ENV,
            "WHATCHAT_STORE_URL": cluster.mongo.url("whatchat"),
            "WHATCHAT_REDIS_URL": redis.url,
        }
        stray = NodeProcess(tmp_path, env)
        ends.callback(stray.close)
        stray.start()
        urls = [cluster.pods[0].url, stray.url]
        with pytest.raises(CheckFailed, match=r"nobody hears what is said .* the same Redis"):
            check_message(urls, cluster.url, KEY)


def test_a_name_without_an_address_and_an_address_without_a_chat_are_told_apart() -> None:
    done = ran("--pods", "no-such-name.invalid", "--only", "health")
    assert done.exit_code == 1
    assert "no-such-name.invalid has no address" in done.stdout
    done = ran("--url", "http://127.0.0.1:9", "--wait", "1", "--only", "health")
    assert (done.exit_code, done.stderr) == (1, "")
    assert done.stdout == ("FAIL  health: no answer from http://127.0.0.1:9: Connection refused\n")


@pytest.mark.parametrize("arguments", [(), ("--pods", "chat", "--only", "polling")])
def test_what_cannot_be_checked_is_said(arguments: tuple[str, ...]) -> None:
    assert ran(*arguments).exit_code == 2


def ask_until_it_fails(pods: list[PodAddress]) -> None:
    while True:
        check_health(None, pods)


def test_a_pod_that_is_going_is_found(cluster: Cluster) -> None:
    pods = find_pods(addresses(cluster), 0)
    check_health(None, pods)
    cluster.pods[1].ask(signal.SIGTERM)
    with pytest.raises(CheckFailed, match=f"{cluster.pods[1].url} is not ready: pod"):
        ask_until_it_fails(pods)  # the signal may be on its way
    cluster.pods[1].ended()
    with pytest.raises(CheckFailed, match=f"no answer from {cluster.pods[1].url}"):
        check_health(None, pods)
