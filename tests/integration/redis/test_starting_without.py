"""Processes that start while Redis is away, as on the worst day of a cluster."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.node_process import NodeProcess
from tests.e2e.raw import Socket, direct_room, register
from tests.integration.redis.pods import ROOM, in_room
from tests.servers.product_process import ProductProcess
from tests.servers.redis_cluster import RedisCluster
from tests.servers.redis_server import RedisServer
from tests.servers.worker_process import WorkerProcess
from tests.unit.entrypoints.test_command_line import whatchat
from tests.waiting import until
from whatchat.adapters.redis.broker import RedisBroker
from whatchat.adapters.redis.dialing import Unreachable
from whatchat.adapters.redis.keys import Keys
from whatchat.adapters.redis.opening import servers_of
from whatchat.adapters.redis.url import parse
from whatchat.domain.audience import Announcement
from whatchat.domain.errors import Unavailable
from whatchat.observability.metrics import Metrics

PATIENCE_SECONDS = 20.0
SECRET = "a-secret-of-at-least-thirty-two-bytes"


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    """What ends with the test."""
    with ExitStack() as ends:
        yield ends


def production(mongo_url: str, redis_url: str) -> dict[str, str]:
    return {
        "WHATCHAT_ENV": "production",
        "WHATCHAT_STORE_URL": mongo_url,
        "WHATCHAT_REDIS_URL": redis_url,
        "WHATCHAT_JWT_SECRET": SECRET,
    }


def starts_without(process: ProductProcess) -> int:
    return sum("starting without Redis" in line for line in process.log_lines())


async def test_pods_and_workers_start_without_redis_and_are_whole_once_it_is_there(
    mongo_url: str, server: RedisServer, tmp_path: Path, ends: ExitStack
) -> None:
    server.kill()
    env = production(mongo_url, server.url)
    nodes = [NodeProcess(tmp_path / name, env) for name in ("one", "other")]
    worker = WorkerProcess(tmp_path / "worker", env)
    for process in (*nodes, worker):
        process.data_dir.mkdir()
        ends.callback(process.close)
    await asyncio.gather(*(asyncio.to_thread(node.start) for node in nodes))
    worker_starts = asyncio.create_task(asyncio.to_thread(worker.start))
    ada, bob = await register(nodes[0], "ada"), await register(nodes[0], "bob")
    room = await direct_room(nodes[0], ada, bob)
    here, there = await Socket.connect(nodes[0], ada), await Socket.connect(nodes[1], bob)

    async def send(number: int) -> bool:
        body = {"roomId": room, "clientId": f"client-id-{number:08}", "content": str(number)}
        return bool((await here.ask("message:send", body))["ok"])

    assert await send(1)
    await until(lambda: starts_without(worker) == 1, seconds=PATIENCE_SECONDS)
    assert not worker_starts.done()
    await asyncio.to_thread(server.start)
    await asyncio.wait_for(worker_starts, PATIENCE_SECONDS)
    assert await send(2)
    heard: list[str] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while heard[-1:] != ["2"]:
            name, event = await there.next()
            heard += [event["message"]["content"]] if name == "message:new" else []
    assert heard == ["1", "2"]
    for process in (*nodes, worker):
        assert starts_without(process) == 1
        assert process.tracebacks() == []
    await here.close()
    await there.close()


def test_a_redis_that_does_not_let_it_in_is_one_line_in_production_too(
    server: RedisServer, tmp_path: Path
) -> None:
    url = f"redis://:wrong-secret@127.0.0.1:{server.port}"
    server.command("CONFIG", "SET", "requirepass", "right-secret")
    ended = whatchat(
        *("serve", "--port", "0"),
        cwd=tmp_path,
        env="production",
        jwt_secret=SECRET,
        store_url="sqlite://:memory:",
        redis_url=url,
    )
    assert ended.returncode == 2
    line = f"whatchat: WHATCHAT_REDIS_URL: 127.0.0.1:{server.port} refuses: WRONGPASS"
    assert ended.stderr.startswith(line)
    assert "secret" not in ended.stderr


async def test_a_cluster_may_come_later(tmp_path: Path, ends: ExitStack) -> None:
    cluster = RedisCluster(tmp_path)
    await asyncio.to_thread(cluster.start)
    ends.callback(cluster.stop)
    url = parse(cluster.url)
    await asyncio.to_thread(cluster.stop)
    metrics = Metrics()
    servers = servers_of(url, metrics)
    with pytest.raises(Unreachable, match="cannot be reached"):
        await servers.start()
    servers.start_soon()
    broker = RedisBroker(servers, Keys(url.database), metrics, b"s" * 32)
    await broker.start()
    await broker.subscribe_rooms([ROOM])
    heard: list[Announcement] = []
    broker.listen(heard.append)
    await asyncio.to_thread(cluster.start)

    async def is_published() -> bool:
        try:
            await broker.publish([in_room(1)])
        except Unavailable:
            return False
        return True

    await until(is_published, seconds=PATIENCE_SECONDS)
    assert heard
    await broker.close()
    await servers.close()
