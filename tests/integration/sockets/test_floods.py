"""Those who go on although they were told to wait, and those who come too often."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.integration.sockets.pods import House, Raw, token
from whatchat.adapters.embedded.limiter import EmbeddedLimiter
from whatchat.domain.ports.limiter import Quota
from whatchat.entrypoints.quotas import QUOTAS
from whatchat.realtime.caps import Caps

BURST = QUOTAS["command"].burst
PATIENCE = Caps(impatience=Quota(rate=0.01, burst=20))


async def use_up(raw: Raw) -> None:
    """Ask for as much as may be asked for at once."""
    for _ in range(BURST):
        await raw.send('42["toy:nothing"]')
    await raw.send('421["toy:nothing"]')
    await raw.next("431")


async def refused(raw: Raw, user_id: str) -> dict[str, Any]:
    """What a CONNECT that is not let in is told."""
    await raw.send("40" + json.dumps({"token": token(user_id)}))
    data: dict[str, Any] = json.loads((await raw.next("44"))[2:])["data"]
    return data


async def flood(raw: Raw) -> tuple[int | None, list[str]]:
    for number in range(100):
        await raw.send(f'42{number}["toy:nothing"]')
    return await raw.closed()


async def test_whoever_goes_on_is_closed_and_told_to_resume_later(house: House) -> None:
    node = await house.node(caps=PATIENCE, limiter=EmbeddedLimiter(lambda: 1.0))
    raw = await house.raw(node, user_id="ada")
    await use_up(raw)
    code, packets = await flood(raw)
    assert code == 4429
    refusals = [packet for packet in packets if '"rate_limited"' in packet]
    assert 20 <= len(refusals) <= 22
    assert '"retryAfterMs":' in refusals[0]
    assert packets[-1] == '42["session:closing",{"code":4429,"resume":true}]'


async def test_a_connection_anew_does_not_help_and_another_user_is_not_concerned(
    house: House,
) -> None:
    node = await house.node(caps=PATIENCE, limiter=EmbeddedLimiter(lambda: 1.0))
    raw = await house.raw(node, user_id="ada")
    await use_up(raw)
    await flood(raw)
    again = await house.raw(node, user_id="ada")
    code, packets = await flood(again)
    assert code == 4429
    assert len([packet for packet in packets if '"rate_limited"' in packet]) < 8
    told = await refused(await house.raw(node), "ada")
    assert told["code"] == "rate_limited"
    await house.raw(node, user_id="bob")


async def test_whoever_waits_as_told_is_never_closed(house: House) -> None:
    node = await house.node(
        caps=Caps(impatience=Quota(rate=0.01, burst=1)), limiter=EmbeddedLimiter()
    )
    raw = await house.raw(node, user_id="ada")
    await use_up(raw)
    done = refusals = 0
    while refusals < 10:
        await raw.send('421["toy:nothing"]')
        answer = json.loads((await raw.next("431"))[3:])[0]
        if answer["ok"]:
            done += 1
        else:
            refusals += 1
            await asyncio.sleep(answer["error"]["retryAfterMs"] / 1000)
    assert done >= 9
    await raw.heard()


async def test_what_names_no_command_counts_as_well(house: House) -> None:
    node = await house.node(caps=PATIENCE, limiter=EmbeddedLimiter(lambda: 1.0))
    raw = await house.raw(node, user_id="ada")
    for number in range(BURST + 100):
        await raw.send(f'42["no:such:{number}"]')
    code, packets = await raw.closed()
    assert code == 4429
    assert len([packet for packet in packets if '"invalid"' in packet]) == BURST


async def test_a_client_that_polls_is_closed_as_well(house: House) -> None:
    node = await house.node(caps=PATIENCE, limiter=EmbeddedLimiter(lambda: 1.0))
    poller = await house.poller(node, user_id="ada")
    body = "\x1e".join(['42["toy:nothing"]'] * (BURST + 100))
    status, _ = await poller.post(body)
    texts = []
    while (answer := await poller.get())[0] == 200:
        texts.append(answer[1])
        if answer[1].endswith("1"):
            break
    packets = "\x1e".join(texts).split("\x1e")
    assert packets[-2:] == ['42["session:closing",{"code":4429,"resume":true}]', "1"]
    assert status in (200, 400)
    assert (await poller.post('42["toy:nothing"]'))[0] == 400


async def test_newcomers_beyond_the_cap_are_refused_before_anything_else(house: House) -> None:
    node = await house.node(caps=Caps(handshakes=Quota(rate=0.1, burst=2)))
    await house.raw(node, user_id="ada")
    poller = await house.poller(node)
    with pytest.raises(InvalidStatus) as late:
        async with connect(node.ws_url()):
            pass
    assert late.value.response.status_code == 429
    assert 0 < int(late.value.response.headers["Retry-After"]) <= 10
    url = f"{node.url}/socket.io/?EIO=4&transport=polling"
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        assert answer.status == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 10
    # Who is there already is not concerned.
    assert (await poller.post("40" + json.dumps({"token": token("bob")})))[0] == 200


async def test_a_user_who_connects_again_and_again_has_to_wait(house: House) -> None:
    node = await house.node(caps=Caps(connects=Quota(rate=0.1, burst=3)))
    for _ in range(3):
        raw = await house.raw(node, user_id="ada")
        await raw.ws.close()
    told = await refused(await house.raw(node), "ada")
    assert told["code"] == "rate_limited"
    await house.raw(node, user_id="bob")
