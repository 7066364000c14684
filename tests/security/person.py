"""Somebody with an account, good or evil."""

from collections.abc import Awaitable, Callable
from typing import Any, Self

import httpx

from tests.security.wire import Wire
from whatchat.domain.ids import random_id

PASSWORD = "correct horse battery staple"

Opening = Callable[..., Awaitable[Wire]]


class Unprepared(Exception):
    """The stage could not be set: neither the attack's success nor its failure."""


class Person:
    """An account that is signed in on one device."""

    def __init__(
        self, http: httpx.AsyncClient, signed_in: dict[str, Any], opening: Opening
    ) -> None:
        self.http = http
        self._opening = opening
        self.id: str = signed_in["user"]["id"]
        self.username: str = signed_in["user"]["username"]
        self.token: str = signed_in["accessToken"]
        self.refresh_token: str = signed_in["refreshToken"]
        self.device_id: str = signed_in["deviceId"]

    @classmethod
    def of(cls, http: httpx.AsyncClient, signed_in: dict[str, Any], opening: Opening) -> Self:
        return cls(http, signed_in, opening)

    async def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        """The answer to a request under ``/api``."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return await self.http.request(method, f"/api{path}", json=body, headers=headers)

    async def get(self, path: str) -> httpx.Response:
        return await self.ask("GET", path)

    async def done(self, method: str, path: str, body: object = None) -> Any:
        """The body of an answer that is a success."""
        answer = await self.ask(method, path, body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def socket(self, **auth: object) -> Wire:
        """A WebSocket that has been greeted."""
        wire = await self._opening(self.token, **auth)
        if not wire.ready:
            raise Unprepared(wire.refusal)
        return wire

    async def login(self) -> "Person":
        """The same person on one more device."""
        body = {"username": self.username, "password": PASSWORD}
        answer = await self.http.post("/api/auth/login", json=body)
        if answer.status_code != 200:
            raise Unprepared(answer.text)
        return Person(self.http, answer.json(), self._opening)

    async def group(self, *others: "Person", public: bool = False, name: str = "Engines") -> str:
        """The id of a new group of these people."""
        body = {
            "kind": "group",
            "name": name,
            "participants": [one.id for one in others],
            "settings": {"isPrivate": not public},
        }
        return str((await self.done("POST", "/rooms", body))["id"])

    async def direct(self, other: "Person") -> str:
        """The id of the pair's room."""
        body = {"kind": "direct", "participants": [other.id]}
        return str((await self.done("POST", "/rooms", body))["id"])

    async def send(self, room_id: str, content: str, **more: object) -> dict[str, Any]:
        """A message that was accepted."""
        body = {"roomId": room_id, "clientId": random_id(), "content": content, **more}
        message: dict[str, Any] = await self.done("POST", "/messages", body)
        return message

    async def history(self, room_id: str) -> list[str]:
        """The contents that this person may read in a room, without what the system said."""
        page = await self.done("GET", f"/messages/{room_id}?limit=200")
        return [one["content"] for one in page["messages"] if one["messageType"] == "text"]


def code_of(answer: httpx.Response) -> str | None:
    """The code that a request was refused with; none if it was not."""
    code: str | None = answer.json().get("error", {}).get("code")
    return code


def field_of(answer: httpx.Response) -> str | None:
    """The field that a refusal names."""
    field: str | None = answer.json().get("error", {}).get("field")
    return field
