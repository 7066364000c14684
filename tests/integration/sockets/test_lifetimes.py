"""How sessions end, and how they are kept from it."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from tests.integration.sockets.pods import House, Node, token
from tests.waiting import until
from whatchat.domain.ids import GrantId, RoomId, UserId
from whatchat.domain.ports.account_store import Exclusion
from whatchat.realtime import engine, moving
from whatchat.realtime.codec import event_frame


async def test_a_revoked_sign_in_closes_its_sockets(house: House, node: Node) -> None:
    phone = await house.raw(node, user_id="ada", grant="stolen")
    desk = await house.raw(node, user_id="ada", device="desk")
    node.revocations.revoke([GrantId("stolen")])
    code, packets = await phone.closed()
    assert (code, packets) == (
        4401,
        ['42["session:closing",{"code":4401,"resume":false}]', "41"],
    )
    await desk.send('421["toy:nothing"]')
    assert await desk.next("431")


async def test_whoever_is_put_out_loses_every_socket(house: House, node: Node) -> None:
    theirs = [
        await house.raw(node, user_id="ada", device=device, grant=device)
        for device in ("phone", "desk")
    ]
    other = await house.raw(node, user_id="bob")
    node.lifetimes.put_out(_banned("ada"))
    node.lifetimes.put_out(_banned("nobody"))
    for raw in theirs:
        code, packets = await raw.closed()
        assert (code, packets) == (
            4401,
            ['42["session:closing",{"code":4401,"resume":false}]', "41"],
        )
    await other.send('421["toy:nothing"]')
    assert await other.next("431")


def _banned(user_id: str) -> Exclusion:
    now = datetime.now(UTC)
    return Exclusion(user_id=UserId(user_id), is_banned=True, signed_out_at=now, changed_at=now)


async def test_what_a_revoked_sign_in_had_still_asked_for_is_not_done(
    house: House, node: Node
) -> None:
    raw = await house.raw(node, user_id="ada", grant="stolen")
    await raw.send('421["toy:wait"]', '422["toy:echo",{"text":"still waiting"}]')
    await raw.heard()
    node.revocations.revoke([GrantId("stolen")])
    node.toys.gate.set()
    assert (await raw.closed())[0] == 4401
    await until(lambda: not len(node.realtime.hub))
    assert node.toys.seen == []


async def test_a_socket_ends_with_its_token(house: House, node: Node) -> None:
    raw, start = await house.raw(node, user_id="ada", seconds=3), time.time()
    code, packets = await raw.closed()
    assert code == 4401
    assert packets[0] in {f'42["session:expiring",{{"inSeconds":{seconds}}}]' for seconds in (2, 3)}
    assert packets[1:] == ['42["session:closing",{"code":4401,"resume":false}]', "41"]
    assert 1.5 < time.time() - start < 4


async def test_a_refreshed_socket_lives_on(house: House, node: Node) -> None:
    ada = await house.client(node, "ada", seconds=2)
    await ada.event("session:expiring")
    answer = await ada.ask("session:refresh", {"token": token("ada", grant="newer")})
    assert answer["ok"]
    assert 895 <= answer["data"]["expiresIn"] <= 900
    await asyncio.sleep(2.2)
    assert (await ada.ask("toy:nothing"))["ok"]
    node.revocations.revoke([GrantId("ada-phone")])
    assert (await ada.ask("toy:nothing"))["ok"]
    node.revocations.revoke([GrantId("newer")])
    assert await ada.event("session:closing") == {"code": 4401, "resume": False}


async def test_a_refresh_takes_a_token_of_the_same_user_and_device_alone(
    house: House, node: Node
) -> None:
    ada = await house.client(node, "ada")
    for bad, code in [
        (token("bob"), "forbidden"),
        (token("ada", device="desk"), "forbidden"),
        (token("ada", seconds=-1), "unauthenticated"),
        ("nonsense", "unauthenticated"),
        (7, "invalid"),
    ]:
        answer = await ada.ask("session:refresh", {"token": bad})
        assert answer["error"]["code"] == code


async def test_stopping_sends_everybody_elsewhere(house: House) -> None:
    node = await house.node()
    raw, silent = await house.raw(node, user_id="ada"), await house.raw(node)
    poller = await house.poller(node, user_id="bob")
    pending = asyncio.create_task(poller.get())
    await raw.send('421["toy:wait"]')
    await asyncio.sleep(0.05)
    stopping = asyncio.create_task(node.realtime.stop(seconds=0))
    await asyncio.sleep(0.05)
    assert not stopping.done()
    node.toys.gate.set()
    assert await raw.closed() == (
        4503,
        ['431[{"ok":true,"data":{}}]', '42["session:closing",{"code":4503,"resume":true}]'],
    )
    assert (await silent.closed())[0] == 4503
    assert (await pending)[1].split("\x1e") == [
        '42["session:closing",{"code":4503,"resume":true}]',
        "1",
    ]
    await stopping
    assert (await house.poller_status(node)) == 503


async def test_who_is_busy_to_the_end_of_a_drain_is_moved_all_the_same(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(moving, "FINISH_SECONDS", 0.5)
    node = await house.node()
    raw = await house.raw(node, user_id="ada")
    await raw.send('421["toy:wait"]')
    await raw.heard()
    stopping = asyncio.create_task(node.realtime.stop(seconds=0))
    code, packets = await raw.closed()
    assert (code, packets) == (4503, ['42["session:closing",{"code":4503,"resume":true}]'])
    node.toys.gate.set()
    await stopping


async def test_a_client_that_does_not_read_is_closed_and_others_are_not_held_up(
    house: House, node: Node
) -> None:
    slow, quick = await house.raw(node, user_id="ada"), await house.raw(node, user_id="bob")
    slow.ws.transport.pause_reading()
    hub = node.realtime.hub
    (connection,) = [one for one in hub if one.actor.user_id == "ada"]
    frame = event_frame("toyed", b'"' + b"x" * 60_000 + b'"')
    for _ in range(300):
        connection.deliver(frame, RoomId("room"), 1)
        await asyncio.sleep(0)
        if connection.closing:
            break
    assert connection.closing is not None
    assert connection.closing.code == 4408
    await quick.send('421["toy:nothing"]')
    assert await quick.next("431")
    slow.ws.transport.resume_reading()
    code, packets = await slow.closed()
    assert code == 4408
    assert packets[-1] == '42["session:closing",{"code":4408,"resume":true}]'
