"""How many connections one user may have."""

import json

from tests.integration.sockets.pods import House, Raw, token
from tests.waiting import until
from whatchat.realtime.caps import Caps
from whatchat.realtime.server import RETRY_AFTER_MS


async def refusal(raw: Raw, user_id: str) -> str:
    """The code of a refusal that says how long to wait."""
    await raw.send("40" + json.dumps({"token": token(user_id)}))
    data = json.loads((await raw.next("44"))[2:])["data"]
    assert data["retryAfterMs"] == RETRY_AFTER_MS
    code: str = data["code"]
    return code


async def test_a_user_has_so_many_connections_and_gets_them_back(house: House) -> None:
    node = await house.node(caps=Caps(per_user=2))
    first, _ = [await house.raw(node, user_id="ada") for _ in range(2)]
    third = await house.raw(node)
    assert await refusal(third, "ada") == "rate_limited"
    await house.raw(node, user_id="bob")
    await first.ws.close()
    await until(lambda: len(node.realtime.hub) == 2)
    await third.connect("ada")
    assert await refusal(await house.raw(node), "ada") == "rate_limited"
