"""The two accounts that talk to each other in a check."""

import hashlib
import hmac
import secrets
from typing import Any, Final

import msgspec

from whatchat.entrypoints.checks.peer import CheckFailed, Peer

_JSON: Final = {"content-type": "application/json"}


class CheckAccount:
    """Signs in on creation, as ``check-…`` and ``role``; registers where it is the first time.

    Name and password are derived from ``key``: with the same key it is the same account, and
    none is added by checking again. :meth:`leave` signs this device out.
    """

    def __init__(self, url: str, key: bytes, role: str) -> None:
        self._peer = Peer(url)
        self._token = ""
        name = f"check-{_derived(key, 'name')[:12]}-{role}"
        given = {"username": name, "password": _derived(key, f"password of {role}")}
        answer = self._peer.ask(
            "POST", "/api/auth/register", msgspec.json.encode(given), headers=_JSON
        )
        if answer.status == 409:
            signed_in = self._ask("POST", "/auth/login", {**given, "deviceName": "whatchat check"})
        elif answer.status == 201:
            signed_in = answer.json()
        else:
            raise CheckFailed(
                f"{url} does not register an account: {_code(answer.json(), answer.status)}"
            )
        self._token = signed_in["accessToken"]
        self.id: str = signed_in["user"]["id"]

    @property
    def token(self) -> str:
        """Its access token."""
        return self._token

    def room_with(self, other: "CheckAccount") -> str:
        """Their direct room, which is the same for ever."""
        body = {"kind": "direct", "participants": [other.id]}
        room: str = self._ask("POST", "/rooms", body)["id"]
        return room

    def erase(self, message_id: str) -> None:
        """Delete a message of its own; that there was one stays."""
        self._ask("DELETE", f"/messages/{message_id}")

    def leave(self) -> None:
        """Sign out."""
        self._ask("POST", "/auth/logout", {})

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        headers = {"authorization": f"Bearer {self._token}"} if self._token else {}
        content = None
        if body is not None:
            headers |= _JSON
            content = msgspec.json.encode(body)
        answer = self._peer.ask(method, f"/api{path}", content, headers=headers)
        if answer.status >= 300:
            place = path.partition("/")[0] or path.split("/")[1]
            raise CheckFailed(
                f"{self._peer.url} refuses {method} {place}: {_code(answer.json(), answer.status)}"
            )
        return answer.json()


def made_up_key() -> bytes:
    """A key of accounts that nobody can use again."""
    return secrets.token_bytes(32)


def _derived(key: bytes, what: str) -> str:
    return hmac.new(key, f"whatchat check: {what}".encode(), hashlib.sha256).hexdigest()


def _code(answer: Any, status: int) -> str:
    try:
        return str(answer["error"]["code"])
    except (TypeError, KeyError):
        return f"status {status}"
