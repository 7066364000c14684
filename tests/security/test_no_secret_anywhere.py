"""What is secret goes in request bodies, headers and CONNECT, and turns up nowhere else."""

import asyncio
import json
from pathlib import Path

import aiohttp

from tests.e2e.browser.chromium import running_chromium
from tests.e2e.browser.people import Newcomers
from tests.e2e.node_process import NodeProcess
from tests.e2e.raw import PASSWORD, Account, Socket, direct_room, register, rest

NEXT_PASSWORD = "another staple, correct horse"
TALKATIVE = (
    "import functools, logging, whatchat.__main__ as program\n"
    "much = functools.partial(program.configure_logging, level=logging.DEBUG)\n"
    "program.configure_logging = much\n"
    "program.main()"
)
"""The product with everything in its log that there is to be said, its libraries' included."""


async def test_no_secret_is_in_the_log_the_metrics_or_a_page(tmp_path: Path) -> None:
    node = NodeProcess(tmp_path, program=("-c", TALKATIVE))
    await asyncio.to_thread(node.start)
    try:
        secrets = await _conversation(node)
        public = [await _text(node, path) for path in ("/metrics", "/docs", "/openapi.json", "/")]
    finally:
        await asyncio.to_thread(node.close)
    log = node.log.read_text()
    assert log.count('"event":"request"') > 10
    assert '"level":"debug"' in log
    for secret in secrets:
        for text in (log, *public):
            assert secret not in text
    made_up = (tmp_path / "jwt-secret").read_text().strip()
    assert made_up not in log


async def test_no_secret_is_in_an_address_of_the_page(tmp_path: Path) -> None:
    node = NodeProcess(tmp_path, program=("-c", TALKATIVE))
    await asyncio.to_thread(node.start)
    try:
        async with running_chromium() as browser:
            ada = await Newcomers(browser, node.url).welcome("Ada")
            addresses: list[str] = []
            ada.page.on("request", lambda request: addresses.append(request.url))
            ada.page.on("websocket", lambda line: addresses.append(line.url))
            ada.page.on("framenavigated", lambda frame: addresses.append(frame.url))
            await ada.come_back(node.url)
            kept: dict[str, str] = await ada.page.evaluate("({ ...localStorage })")
            session = json.loads(kept["whatchat.session"])
            issued = [session["accessToken"], session["refreshToken"], PASSWORD]
            assert any("/socket.io/" in address for address in addresses)
            assert not any(secret in address for secret in issued for address in addresses)
            assert not any(PASSWORD in value for value in kept.values())
            assert await ada.page.evaluate("document.cookie") == ""
            passing = await ada.page.evaluate("JSON.stringify({ ...sessionStorage })")
            assert not any(secret in passing for secret in issued)
            await ada.sign_out()
            await ada.page.get_by_label("Username").wait_for()
            left = await ada.page.evaluate("JSON.stringify({ ...localStorage })")
            assert not any(secret in left for secret in issued)
    finally:
        await asyncio.to_thread(node.close)


async def _conversation(node: NodeProcess) -> list[str]:
    """Sign in and out, talk, be wrong in every way; everything secret that came up."""
    ada, bob = await register(node, "ada"), await register(node, "bob")
    room = await direct_room(node, ada, bob)
    for transports in (("websocket",), ("polling",)):
        socket = await Socket.connect(node, ada, transports)
        said = {"roomId": room, "clientId": f"a-client-id-{transports[0]}", "content": "hello"}
        assert (await socket.ask("message:send", said))["ok"]
        assert (await socket.ask("message:read", {"roomId": room, "seq": 1}))["ok"]
        assert (await socket.ask("session:refresh", {"token": ada.token}))["ok"]
        assert not (await socket.ask("session:refresh", {"token": bob.token}))["ok"]
        assert not (await socket.ask(ada.token, {ada.token: ada.token}))["ok"]
        await socket.close()
    await _be_refused(node, ada)
    nonce = "a nonce of this client"
    body = {"refreshToken": ada.refresh_token, "nonce": nonce}
    _, renewed = await rest(node, "POST", "/auth/refresh", body)
    change = {"currentPassword": PASSWORD, "newPassword": NEXT_PASSWORD}
    status, _ = await rest(node, "POST", "/auth/password", change, token=renewed["accessToken"])
    assert status == 204
    login = {"username": ada.username, "password": NEXT_PASSWORD}
    _, again = await rest(node, "POST", "/auth/login", login)
    await rest(node, "POST", "/auth/logout", token=again["accessToken"])
    tokens = [one.token for one in (ada, bob)] + [one.refresh_token for one in (ada, bob)]
    tokens += [one[name] for one in (renewed, again) for name in ("accessToken", "refreshToken")]
    signatures = [token.rpartition(".")[2] for token in tokens]
    return [*tokens, *signatures, PASSWORD, NEXT_PASSWORD, nonce, "not the password"]


async def _be_refused(node: NodeProcess, ada: Account) -> None:
    """Put secrets where they do not belong."""
    async with aiohttp.ClientSession() as http:
        for path in (
            f"/socket.io/?EIO=4&transport=polling&token={ada.token}",
            f"/api/rooms?token={ada.token}",
            f"/api/auth/login?password={PASSWORD}",
            f"/api/rooms/{ada.token}",
            f"/api/{ada.refresh_token}",
        ):
            headers = {"Authorization": f"Bearer {ada.token}"}
            async with http.get(node.url + path, headers=headers) as answer:
                assert 400 <= answer.status < 500, path
    for token in (ada.token[:-2], ada.token + "x", ada.refresh_token):
        assert (await rest(node, "GET", "/rooms", token=token))[0] == 401
    wrong = {"username": ada.username, "password": "not the password"}
    assert (await rest(node, "POST", "/auth/login", wrong))[0] == 401
    assert (await rest(node, "POST", "/auth/refresh", {"refreshToken": ada.token}))[0] in {401, 422}


async def _text(node: NodeProcess, path: str) -> str:
    async with aiohttp.ClientSession() as http, http.get(node.url + path) as answer:
        return await answer.text()
