"""Who is banned or signed out everywhere is out on every pod, in time."""

import asyncio
from time import monotonic

import pytest

from tests.integration.pods.cluster import Cluster
from tests.integration.pods.people import PASSWORD, Ear, People
from tests.servers.redis_server import RedisServer
from tests.waiting import until
from whatchat.client import auth
from whatchat.client.http import Http
from whatchat.domain.audit import Party
from whatchat.domain.errors import Unauthenticated
from whatchat.domain.ids import random_id

OPERATOR = Party(role="operator")
CLOSING = {"code": 4401, "resume": False}

SECONDS = 2.0
WITHOUT_REDIS_SECONDS = 10.0


async def is_put_out(ear: Ear, *, within: float, since: float) -> None:
    """Return once the socket was closed, as late after ``since`` as is promised."""
    await until(
        lambda: "session:closing" in ear.names(), seconds=max(within - (monotonic() - since), 0.0)
    )
    (closing,) = [heard.data for heard in ear.heard if heard.name == "session:closing"]
    assert closing == CLOSING


async def refusal(url: str, username: str, password: str) -> str:
    async with Http(url) as http:
        with pytest.raises(Unauthenticated) as refused:
            await auth.login(http, username, password)
    return refused.value.code


@pytest.mark.parametrize("redis_is_there", [True, False], ids=["with-redis", "without-redis"])
async def test_a_ban_is_in_force_on_every_pod(
    cluster: Cluster, people: People, redis: RedisServer, redis_is_there: bool
) -> None:
    here, there = await cluster.nodes(2)
    async with Http(here.url) as http:
        ada = await auth.register(http, f"ada.{random_id()[:12].lower()}", PASSWORD)
    (bob,) = await people.at(there)
    async with Ear.at(here, ada.access_token) as one, Ear.at(there, ada.access_token) as other:
        if not redis_is_there:
            await asyncio.to_thread(redis.kill)
        begun = monotonic()
        await here.moderation.ban(ada.user.id, by=OPERATOR, reason="spam")
        within = SECONDS if redis_is_there else WITHOUT_REDIS_SECONDS
        for ear in (one, other):
            await is_put_out(ear, within=within, since=begun)
    assert "session:closing" not in bob.ear.names()
    for node in (here, there):
        assert await refusal(node.url, ada.user.username, PASSWORD) == "unauthenticated"
        async with Http(node.url) as http:
            with pytest.raises(Unauthenticated) as refused:
                await auth.refresh(http, ada.refresh_token)
        assert refused.value.code == "unauthenticated"
    assert (await bob.client.rest.user(ada.user.id)) == ada.user


async def test_a_sign_out_everywhere_ends_every_socket_and_lets_in_again(
    cluster: Cluster,
) -> None:
    here, there = await cluster.nodes(2)
    async with Http(here.url) as http:
        ada = await auth.register(http, f"ada.{random_id()[:12].lower()}", PASSWORD)
        phone = await auth.login(http, ada.user.username, PASSWORD)
    async with Ear.at(here, ada.access_token) as one, Ear.at(there, phone.access_token) as other:
        begun = monotonic()
        assert await here.moderation.sign_out(ada.user.id, by=OPERATOR) == 2
        for ear in (one, other):
            await is_put_out(ear, within=SECONDS, since=begun)
    async with Http(there.url) as http:
        again = await auth.login(http, ada.user.username, PASSWORD)
    async with Ear.at(there, again.access_token) as ear:
        await asyncio.sleep(1.5)
        assert "session:closing" not in ear.names()


async def test_who_signs_in_before_other_pods_hear_of_a_sign_out_everywhere_stays(
    cluster: Cluster,
) -> None:
    here, there = await cluster.nodes(2)
    async with Http(here.url) as http:
        ada = await auth.register(http, f"ada.{random_id()[:12].lower()}", PASSWORD)
    await here.moderation.sign_out(ada.user.id, by=OPERATOR)
    async with Http(there.url) as http:
        again = await auth.login(http, ada.user.username, PASSWORD)
    async with Ear.at(there, again.access_token) as ear:
        await asyncio.sleep(SECONDS)
        assert "session:closing" not in ear.names()


async def test_a_ban_wins_against_sign_ins_that_race_it(cluster: Cluster) -> None:
    here, there = await cluster.nodes(2)
    async with Http(here.url) as http:
        ada = await auth.register(http, f"ada.{random_id()[:12].lower()}", PASSWORD)

    async def sign_in(url: str) -> str | None:
        async with Http(url) as http:
            try:
                return (await auth.login(http, ada.user.username, PASSWORD)).refresh_token
            except Unauthenticated:
                return None

    racing = [asyncio.create_task(sign_in(node.url)) for node in (here, there) for _ in range(4)]
    await asyncio.wait(racing, return_when=asyncio.FIRST_COMPLETED)
    await here.moderation.ban(ada.user.id, by=OPERATOR)
    for token in [one for one in await asyncio.gather(*racing) if one]:
        async with Http(there.url) as http:
            with pytest.raises(Unauthenticated) as refused:
                await auth.refresh(http, token)
        assert refused.value.code == "unauthenticated"
