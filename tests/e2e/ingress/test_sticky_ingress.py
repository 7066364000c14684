"""People behind an ingress, by the settings that the presets render, while pods come and go."""

import asyncio
import http.client
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.ingress import newcomers, phases
from tests.e2e.ingress.controller import KINDS, Controller
from tests.e2e.ingress.guests import guests
from tests.e2e.ingress.phases import requests_of
from tests.e2e.ingress.rendered import Rendered, rendered
from tests.e2e.ingress.silence import (
    poll_hears_a_ping,
    websocket_hears_a_ping,
    without_timeouts,
)
from tests.e2e.ingress.site import ENV, Site
from tests.e2e.raw import register
from tests.servers.cluster import Cluster
from tests.waiting import until

pytestmark = pytest.mark.timeout(300)  # the first test waits for the whole cluster

SCRIPT = Path(__file__).parents[2] / "js" / "behind_a_proxy.mjs"
STOCK = {
    "polling,websocket": ["polling", "websocket"],
    "websocket,polling": ["websocket", "websocket"],
    "polling": ["polling", "polling"],
    "websocket,-cookies": ["websocket", "websocket"],
}
"""Ways of the official client, and the transports that it begins and goes on with."""

UVICORNS_OWN_SECONDS = 5
HURRY = 30
"""A proxy's default of 60 s is over after 2 s, and a heartbeat takes longer."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster"), pods=4, env=ENV) as cluster:
        yield cluster
        assert [text for pod in cluster.pods for text in pod.tracebacks()] == []


@pytest.fixture
def site(cluster: Cluster, tmp_path: Path) -> Iterator[Site]:
    site = Site(cluster, tmp_path)
    yield site
    site.close()


async def test_nobody_is_refused_and_nothing_is_lost_while_pods_come_and_go(site: Site) -> None:
    await site.open([0, 1, 2])
    urls = {preset: controller.url for preset, controller in site.controllers.items()}
    idle = IdleConnection(site.address(0))
    async with guests(urls) as people:
        await people.talk(2)
        await people.all_hold_everything()
        await phases.reloads(site, people)
        calm = requests_of(site)
        await phases.a_pod_is_killed(site, people)
        await phases.a_pod_is_drained(site, people)
        await phases.two_pods_become_four(site, people)
        await phases.and_two_again(site, people)
    idle.is_still_answered()
    for preset, before in calm.items():
        assert not [one for one in before if one.status == 400 or one.status >= 500], preset
    for preset, requests in requests_of(site).items():
        # Whoever only polls cannot be taken to another pod: it comes back by itself.
        others = [one for one in requests if not one.is_poll]
        assert not [one for one in others if one.status == 400 or one.status >= 500], preset


async def test_a_cookie_in_quotes_leads_to_the_same_pod(site: Site) -> None:
    """As aiohttp sends those with a slash, which HAProxy's dates have now and then."""
    await site.open([0, 1, 2])
    haproxy = site.controllers["haproxy"]
    (cookie,) = await newcomers.staying(haproxy.url, 1)
    before = len(haproxy.requests())
    statuses = [await newcomers.polling(haproxy.url, f'"{cookie}"') for _ in range(6)]
    assert statuses == [200] * 6
    await until(lambda: len(haproxy.requests()) >= before + 6)
    assert len({one.way for one in haproxy.requests()[before:]}) == 1


async def test_silence_for_longer_than_a_proxys_default_ends_nothing(
    cluster: Cluster, tmp_path: Path
) -> None:
    """The presets' own timeouts are what keeps connections: without them they are cut."""
    pods = [f"127.0.0.1:{pod.port}" for pod in cluster.pods[:1]]
    with ExitStack() as ends:

        async def url(preset: str, folder: str, settings: Rendered) -> str:
            place = tmp_path / folder / preset
            controller = Controller(preset, place, settings=settings, hurry=HURRY)
            ends.callback(controller.stop)
            await asyncio.to_thread(controller.start, pods)
            return controller.url

        async def heard(preset: str) -> tuple[bool, ...]:
            own = await url(preset, "own", rendered(preset))
            default = await url(preset, "default", without_timeouts(rendered(preset)))
            return await asyncio.gather(
                websocket_hears_a_ping(own),
                poll_hears_a_ping(own),
                websocket_hears_a_ping(default),
                poll_hears_a_ping(default),
            )

        answers = await asyncio.gather(*(heard(preset) for preset in KINDS))
    nginx_cuts_both, haproxy_cuts_polls = (True, True, False, False), (True, True, True, False)
    assert dict(zip(KINDS, map(tuple, answers), strict=True)) == {
        "haproxy": haproxy_cuts_polls,
        "nginx": nginx_cuts_both,
        "ingress-nginx": nginx_cuts_both,
    }


class IdleConnection:
    """One that a proxy keeps to a pod, for the next request."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address, timeout=5)
        self._answered()
        self._socket = self._connection.sock
        self._since = time.monotonic()

    def is_still_answered(self) -> None:
        """Fail if the pod has closed it."""
        assert time.monotonic() - self._since > UVICORNS_OWN_SECONDS
        self._answered()
        assert self._connection.sock is self._socket
        self._connection.close()

    def _answered(self) -> None:
        self._connection.request("GET", "/livez")
        answer = self._connection.getresponse()
        assert answer.status == 200
        answer.read()


async def test_stock_clients_need_no_cookie_with_websocket_alone(site: Site) -> None:
    await site.open([0, 1, 2])
    lives = await asyncio.gather(*(_lives(controller) for controller in site.controllers.values()))
    assert dict(zip(KINDS, lives, strict=True)) == {
        preset: [
            {"way": way, "transports": transports, "answered": 5, "errors": []}
            for way, transports in STOCK.items()
        ]
        for preset in KINDS
    }


async def _lives(controller: Controller) -> list[dict[str, object]]:
    account = await register(controller, "js")
    command = ["node", str(SCRIPT), controller.url, account.token, *STOCK]
    done = await asyncio.to_thread(
        subprocess.run, command, check=True, capture_output=True, text=True, timeout=30
    )
    return [json.loads(line) for line in done.stdout.splitlines()]
