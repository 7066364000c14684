"""Scripts that run inside Redis, each in a file of its own."""

import hashlib
from pathlib import Path
from typing import Final

from whatchat.adapters.redis.link import Argument, Reply
from whatchat.adapters.redis.refusal import Refused
from whatchat.adapters.redis.servers import Servers, run_one

_FOLDER: Final = Path(__file__).parent / "scripts"


class Script:
    """One script; runs atomically, about keys that share a server."""

    def __init__(self, name: str) -> None:
        self._text = (_FOLDER / f"{name}.lua").read_bytes()
        self._digest = hashlib.sha1(self._text, usedforsecurity=False).hexdigest()

    async def run(self, servers: Servers, keys: tuple[bytes, ...], *arguments: Argument) -> Reply:
        """Its result; the text is sent only where the server does not know it yet."""
        rest = (len(keys), *keys, *arguments)
        try:
            return await run_one(servers, keys[0], "EVALSHA", self._digest, *rest)
        except Refused as refusal:
            if refusal.kind != "NOSCRIPT":
                raise
        return await run_one(servers, keys[0], "EVAL", self._text, *rest)
