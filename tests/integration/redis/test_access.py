"""Being let in, and being told why not."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.redis.pods import ROOM, Pods, in_room
from tests.servers.certificates import make_certificates
from tests.servers.redis_parts import connected
from tests.servers.redis_server import RedisServer
from tests.waiting import until
from whatchat.adapters.redis.refusal import Refused
from whatchat.domain.errors import Unavailable


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[RedisServer]:
    """A server behind TLS and a password."""
    tls = make_certificates(tmp_path)
    server = RedisServer(tmp_path / "redis", ["--requirepass", "s3cret"], tls=tls)
    server.start()
    yield server
    server.stop()


def with_password(url: str, password: str) -> str:
    return url.replace("://", f"://:{password}@")


async def complaint(url: str) -> str:
    with pytest.raises(Unavailable) as error:
        async with connected(url):
            pass
    return error.value.text


async def test_tls_and_a_password_let_a_pod_in(guarded: RedisServer, pods: Pods) -> None:
    url = with_password(guarded.url, "s3cret")
    pod, other = await pods.open(url), await pods.open(url)
    await pod.broker.subscribe_rooms([ROOM])
    await other.broker.publish([in_room(1)])
    await until(lambda: pod.heard == [1])


async def test_what_is_wrong_is_said_in_one_line(guarded: RedisServer, tmp_path: Path) -> None:
    here = f"127.0.0.1:{guarded.port}"
    wrong = with_password(guarded.url, "wr0ng")
    said = {
        "password": await complaint(wrong),
        "none": await complaint(guarded.url),
        "ca": await complaint(guarded.url.partition("?")[0]),
        "file": await complaint(f"{guarded.url}-not-there"),
    }
    assert said["password"].startswith(f"{here} refuses: WRONGPASS")
    assert said["none"].startswith(f"{here} refuses: NOAUTH")
    assert said["ca"].startswith(f"{here} cannot be reached: ")
    assert "certificate" in said["ca"]
    assert "-not-there" in said["file"]
    assert not any("\n" in line or "wr0ng" in line for line in said.values())


async def test_nobody_there_is_said_too(server: RedisServer) -> None:
    server.stop()
    assert (await complaint(server.url)).startswith(f"127.0.0.1:{server.port} cannot be reached")


async def test_a_server_that_hangs_is_said_too(server: RedisServer) -> None:
    server.pause()
    assert (await complaint(server.url)) == f"127.0.0.1:{server.port} does not answer"


async def test_a_replica_is_not_taken_for_the_master(server: RedisServer, tmp_path: Path) -> None:
    replica = RedisServer(tmp_path / "replica", ["--replicaof", "127.0.0.1", str(server.port)])
    replica.start()
    try:
        assert (await complaint(replica.url)) == f"127.0.0.1:{replica.port} is not the master"
    finally:
        replica.stop()


async def test_no_cluster_and_no_sentinel_are_said(server: RedisServer) -> None:
    here = f"127.0.0.1:{server.port}"
    assert f"{here} refuses" in await complaint(f"redis+cluster://{here}")
    assert f"{here} refuses" in await complaint(f"redis+sentinel://{here}/master")


async def test_a_database_of_its_own(server: RedisServer) -> None:
    async with connected(f"{server.url}/3"):
        assert b"db=3" in server.command("CLIENT", "LIST", "TYPE", "normal")


async def test_sentinels_may_have_a_password_of_their_own(
    server: RedisServer, tmp_path: Path
) -> None:
    config = tmp_path / "sentinel.conf"
    config.write_text(f"sentinel monitor main 127.0.0.1 {server.port} 1\nrequirepass s3cret\n")
    sentinel = RedisServer(tmp_path / "sentinel", sentinel=config)
    sentinel.start()
    url = f"redis+sentinel://127.0.0.1:{sentinel.port}/main?sentinel_password="
    try:
        async with connected(f"{url}s3cret"):
            pass
        assert "refuses: WRONGPASS" in await complaint(f"{url}wr0ng")
        sentinel.pause()
        assert "does not answer" in await complaint(f"{url}s3cret")
    finally:
        sentinel.stop()


async def test_who_may_not_listen_is_told_so(server: RedisServer, pods: Pods) -> None:
    rights = ["on", ">s3cret", "~*", "&*", "+@all", "-subscribe"]
    server.command("ACL", "SETUSER", "mute", *rights)
    with pytest.raises(Unavailable, match="refuses to be listened to: NOPERM"):
        await pods.open(server.url.replace("://", "://mute:s3cret@"))


async def test_who_may_not_publish_is_unavailable(server: RedisServer, pods: Pods) -> None:
    rights = ["on", ">s3cret", "~*", "&*", "+@all", "-publish"]
    server.command("ACL", "SETUSER", "mute", *rights)
    pod = await pods.open(server.url.replace("://", "://mute:s3cret@"))
    with pytest.raises(Unavailable) as error:
        await pod.broker.publish([in_room(1)])
    assert "NOPERM" in repr(error.value)
    assert "NOPERM" not in error.value.text


async def test_a_refused_password_is_not_repeated(tmp_path: Path) -> None:
    old = RedisServer(tmp_path / "redis", ["--rename-command", "HELLO", ""])
    old.start()
    try:
        said = await complaint(old.url.replace("://", "://ada:s3cret@"))
    finally:
        old.stop()
    assert said.startswith(f"127.0.0.1:{old.port} refuses: ERR unknown command 'HELLO'")
    assert "ada" not in said
    assert "s3cret" not in said


def test_what_a_refusal_carries_holds_no_arguments() -> None:
    refused = Refused("ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 's3cret'")
    assert refused.kind == "ERR"
    assert "s3cret" not in f"{refused!r} {refused} {refused.reply} {refused.text}"
