"""What happens to a site while its guests talk: nobody who comes meanwhile is refused."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from tests.e2e.ingress import newcomers
from tests.e2e.ingress.controller import Request
from tests.e2e.ingress.guests import Guests
from tests.e2e.ingress.site import Site
from tests.e2e.raw import Socket, register

NEWCOMERS: Final = 40
FEW: Final = 20
DEAF: Final = 5


async def reloads(site: Site, people: Guests) -> None:
    """Sockets outlive new configurations of the proxy."""
    sockets = [
        await Socket.connect(controller, await register(controller, "calm"))
        for controller in site.controllers.values()
    ]
    await site.serve(site.serving)
    await people.talk_during(asyncio.create_task(site.serve(site.serving)))
    for socket in sockets:
        assert (await socket.ask("presence:get", {"userIds": []}))["ok"]
        await socket.close()
    await people.all_hold_everything()


async def a_pod_is_killed(site: Site, people: Guests) -> None:
    """Newcomers meet the others, also before the controllers hear of it."""
    cookies = await _cookies_of_all(site)
    await site.kill(1)
    talking = asyncio.create_task(people.talk())
    await _newcomers_are_let_in(site, cookies)
    await site.serve({0, 2})
    await talking
    await _newcomers_are_let_in(site, cookies)
    await people.all_hold_everything()
    await site.start(1)
    await site.serve({0, 1, 2})


async def a_pod_is_drained(site: Site, people: Guests) -> None:
    """The controllers hear of it when it has ended: until then it refuses newcomers itself."""
    cookies = await _cookies_of_all(site)
    before = requests_of(site)
    async with _deaf(site):
        draining = asyncio.create_task(site.drain(2))
        talking = asyncio.create_task(people.talk_during(draining))
        while not talking.done():
            await _newcomers_are_let_in(site, cookies)
        await talking
    for preset, requests in requests_of(site).items():
        met = requests[len(before[preset]) :]
        assert any(one.was_refused_elsewhere for one in met if not one.in_session), preset
    await site.serve({0, 1})
    await people.all_hold_everything()


async def two_pods_become_four(site: Site, people: Guests) -> None:
    """New pods take their share of newcomers, and nobody else's session."""
    await site.start(2)
    before = requests_of(site)
    await people.talk_during(asyncio.create_task(site.serve({0, 1, 2, 3})))
    for preset, controller in site.controllers.items():
        pods = await newcomers.staying(controller.url, NEWCOMERS)
        assert len(pods) == 4, preset
        assert min(pods.values()) > 1, (preset, pods)
        met = controller.requests()[len(before[preset]) :]
        assert not [one for one in met if one.status == 400 or one.status >= 500], preset
    await people.all_hold_everything()


async def and_two_again(site: Site, people: Guests) -> None:
    """As Kubernetes does it: endpoints go first."""

    async def scale_down() -> None:
        await site.serve({0, 1})
        await asyncio.gather(site.drain(2), site.drain(3))

    cookies = await _cookies_of_all(site)
    scaling = asyncio.create_task(scale_down())
    talking = asyncio.create_task(people.talk_during(scaling))
    while not talking.done():
        await _newcomers_are_let_in(site, cookies)
    await talking
    await people.all_hold_everything()
    for number in (2, 3):
        await site.start(number)


@asynccontextmanager
async def _deaf(site: Site) -> AsyncIterator[None]:
    """Sockets that do not go when they are told to, so that a drain takes its time."""
    async with AsyncExitStack() as ends:
        for controller in site.controllers.values():
            account = await register(controller, "deaf")
            for _ in range(DEAF):
                socket = await Socket.connect(controller, account)
                ends.push_async_callback(socket.close)
        yield


async def _newcomers_are_let_in(site: Site, cookies: dict[str, list[str]]) -> None:
    for preset, controller in site.controllers.items():
        met = await newcomers.statuses(controller.url, cookies[preset])
        assert set(met) == {200, 101}, preset


async def _cookies_of_all(site: Site) -> dict[str, list[str]]:
    found = {
        preset: list(await newcomers.staying(controller.url, FEW))
        for preset, controller in site.controllers.items()
    }
    assert {len(cookies) for cookies in found.values()} == {len(site.serving)}
    return found


def requests_of(site: Site) -> dict[str, list[Request]]:
    return {preset: controller.requests() for preset, controller in site.controllers.items()}
