"""Sockets that outlive the right to have them."""

import json
import time
from contextlib import suppress

from websockets.exceptions import ConnectionClosed

from tests.security.forging import altered, assert_refused
from tests.security.person import PASSWORD
from tests.security.stage import Stage


async def test_token_that_ends_on_a_live_socket(stage: Stage) -> None:
    """A socket lives no longer than its token; the person is told that it ends."""
    ada = await stage.person()
    end = int(time.time()) + 2
    wire = await stage.socket(altered(ada.token, exp=end))
    assert 0 <= (await wire.hear("session:expiring"))["inSeconds"] <= 2
    assert await wire.closed() == 4401
    assert end - 0.1 <= time.time() < end + 4
    assert wire.heard[-1] == ("session:closing", {"code": 4401, "resume": False})


async def test_prolonging_with_a_token_of_somebody_else(stage: Stage) -> None:
    """A socket belongs to one person: another's token neither prolongs nor changes it."""
    ada, eve = await stage.people("ada", "eve")
    room = await ada.group(name="Private")
    end = int(time.time()) + 2
    wire = await stage.socket(altered(eve.token, exp=end))
    answer = await wire.ask("session:refresh", {"token": ada.token})
    assert answer["ok"] is False
    assert answer["error"]["code"] == "forbidden"
    await ada.send(room, "for the room alone")
    assert await wire.closed() == 4401
    assert time.time() < end + 4
    assert "message:new" not in wire.names()


async def test_prolonging_with_a_token_of_another_device(stage: Stage) -> None:
    """A socket ends with its device: what another device of the same person holds is no help."""
    ada = await stage.person()
    other = await ada.login()
    wire = await ada.socket()
    answer = await wire.ask("session:refresh", {"token": other.token})
    assert answer["error"]["code"] == "forbidden"
    await ada.done("POST", "/auth/logout")
    assert await wire.closed() == 4401
    assert (await other.get("/users/me")).status_code == 200


async def test_prolonging_with_what_is_no_good_token(stage: Stage) -> None:
    """What would not open a socket does not prolong one."""
    ada = await stage.person()
    wire = await ada.socket()
    past = int(time.time()) - 1
    for token in (
        altered(ada.token, exp=past),
        altered(ada.token, aud="x"),
        ada.refresh_token,
        "x",
    ):
        answer = await wire.ask("session:refresh", {"token": token})
        assert answer["error"]["code"] == "unauthenticated"


async def test_revoked_token(stage: Stage) -> None:
    """Signing out ends at once what the token opens: REST, new sockets and live ones."""
    ada = await stage.person()
    wire = await ada.socket()
    await ada.done("POST", "/auth/logout")
    assert await wire.closed() == 4401
    await assert_refused(stage, ada.token)


async def test_revoked_on_another_pod(stage: Stage) -> None:
    """Signing out on one pod closes the sockets on every other within two seconds."""
    ada = await stage.person()
    other = await stage.another()
    wire = await stage.socket(ada.token, other)
    began = time.monotonic()
    await ada.done("POST", "/auth/logout")
    assert await wire.closed() == 4401
    assert time.monotonic() - began < 2.5
    await assert_refused(stage, ada.token, node=other)


async def test_device_removed_from_elsewhere(stage: Stage) -> None:
    """Who has lost a phone signs it out from the desk, sockets included."""
    ada = await stage.person()
    phone = await ada.login()
    wire = await phone.socket()
    await ada.done("DELETE", f"/devices/{phone.device_id}")
    assert await wire.closed() == 4401
    await assert_refused(stage, phone.token)


async def test_commands_after_signing_out(stage: Stage) -> None:
    """What a signed-out socket still sends is not done."""
    ada, bob = await stage.people("ada", "bob")
    room = await ada.group(bob)
    wire = await ada.socket()
    await ada.done("POST", "/auth/logout")
    with suppress(ConnectionClosed):  # it may be, before all is sent
        for number in range(20):
            body = f'{{"roomId":"{room}","clientId":"{number:016}","content":"a ghost"}}'
            await wire.ws.send(f'42["message:send",{body}]')
    assert await wire.closed() == 4401
    assert await bob.history(room) == []


async def test_second_connect_as_somebody_else(stage: Stage) -> None:
    """Who a socket is, is decided once."""
    ada, eve = await stage.people("ada", "eve")
    room = await ada.group()
    wire = await eve.socket()
    await wire.ws.send("40" + json.dumps({"token": ada.token}))
    await ada.send(room, "for the room alone")
    assert await wire.closed() == 4400
    assert "for the room alone" not in wire.said()


async def test_silent_socket(stage: Stage) -> None:
    """Who never says who they are does not stay."""
    stage.patch.setattr("whatchat.realtime.socket_server.CONNECT_SECONDS", 0.3)
    node = await stage.another()
    wire = await stage.wire(node)
    assert await wire.closed() == 4401


async def test_commands_before_connect(stage: Stage) -> None:
    """Nothing is done for who has not said who they are."""
    ada = await stage.person()
    room = await ada.group()
    stage.patch.setattr("whatchat.realtime.socket_server.CONNECT_SECONDS", 0.3)
    wire = await stage.wire(await stage.another())
    body = f'{{"roomId":"{room}","clientId":"0123456789abcdef","content":"a ghost"}}'
    await wire.ws.send(f'420["message:send",{body}]')
    assert await wire.closed() == 4401
    assert wire.said() == "[[], []]"
    assert await ada.history(room) == []


async def test_device_id_of_somebody_else(stage: Stage) -> None:
    """Signing in with another person's device takes nothing away from that person."""
    ada, eve = await stage.people("ada", "eve")
    wire = await ada.socket()
    body = {"username": eve.username, "password": PASSWORD, "deviceId": ada.device_id}
    answer = await eve.http.post("/api/auth/login", json=body)
    assert answer.status_code == 200
    assert answer.json()["deviceId"] != ada.device_id
    await wire.settled()
    assert [one["id"] for one in (await ada.done("GET", "/devices"))["devices"]] == [ada.device_id]
