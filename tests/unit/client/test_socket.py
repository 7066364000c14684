"""What a connection shares with others."""

import asyncio
import gc

from whatchat.client.http import Http
from whatchat.client.socket import Socket


async def _opened() -> Http:
    http = Http("http://127.0.0.1:1")
    await Socket(http.session, lambda _: None).close()
    return http


def test_a_connection_that_is_collected_leaves_the_session_of_others_open() -> None:
    with asyncio.Runner() as runner:
        http = runner.run(_opened())
        gc.collect()  # while the loop stands still, as between two steps of a test
        assert not http.session.closed
        runner.run(http.close())
