"""Tokens made by hand, and what must come of them."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from tests.security.stage import SECRET, Node, Stage


def segment(value: object) -> str:
    """A part of a token: bytes as they are, all else as JSON."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header and the claims of a token."""
    header, claims, _ = token.split(".")
    return _read(header), _read(claims)


def signed(header: object, claims: object, key: bytes = SECRET.encode()) -> str:
    """A token under HMAC-SHA-256, whatever its header says."""
    text = f"{segment(header)}.{segment(claims)}"
    return f"{text}.{segment(hmac.digest(key, text.encode(), hashlib.sha256))}"


def altered(
    token: str, *, key: bytes = SECRET.encode(), header: dict[str, Any] | None = None, **claims: Any
) -> str:
    """The token with this in its header and these claims, signed anew; ``None`` leaves one out."""
    old_header, old_claims = parts(token)
    return signed(_merged(old_header, header or {}), _merged(old_claims, claims), key)


async def assert_refused(stage: Stage, *tokens: str, node: Node | None = None) -> None:
    """REST and sockets answer each token, to the byte, as they answer none at all."""
    node = node or stage.node
    nothing = await node.http.get("/api/users/me")
    assert nothing.status_code == 401
    unknown = (await stage.socket("", node)).refusal
    assert unknown["data"]["code"] == "unauthenticated"
    for token in tokens:
        bearer = {b"Authorization": b"Bearer " + token.encode()}
        answer = await node.http.get("/api/users/me", headers=bearer)
        assert (answer.status_code, answer.content) == (401, nothing.content), token[:80]
        assert answer.headers["www-authenticate"] == "Bearer"
        wire = await stage.socket(token, node)
        assert (wire.refusal, wire.ready) == (unknown, {}), token[:80]


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (old | new).items() if value is not None}


def _read(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(urlsafe_b64decode(text + "=="))
    return found
