"""Refresh tokens that are used twice, by others, or too late."""

import asyncio

import httpx

from tests.security.forging import assert_refused
from tests.security.person import PASSWORD, Person, code_of
from tests.security.stage import Stage


async def refresh(person: Person, token: str, nonce: str | None = None) -> httpx.Response:
    body = {"refreshToken": token} | ({"nonce": nonce} if nonce else {})
    return await person.http.post("/api/auth/refresh", json=body)


async def test_replayed_refresh(stage: Stage) -> None:
    """A spent refresh token means a thief: the whole sign-in ends, live sockets included."""
    ada = await stage.person()
    wire = await ada.socket()
    fresh = (await refresh(ada, ada.refresh_token)).json()
    assert (await refresh(ada, ada.refresh_token)).status_code == 401
    assert await wire.closed() == 4401
    assert wire.heard[-1] == ("session:closing", {"code": 4401, "resume": False})
    await assert_refused(stage, ada.token, fresh["accessToken"])
    assert (await refresh(ada, fresh["refreshToken"])).status_code == 401


async def test_refresh_repeated_with_another_nonce(stage: Stage) -> None:
    """Only who knows the nonce repeats a lost answer: another one ends the sign-in."""
    ada = await stage.person()
    first = await refresh(ada, ada.refresh_token, "the nonce of the client")
    again = await refresh(ada, ada.refresh_token, "the nonce of the client")
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json()["refreshToken"] == first.json()["refreshToken"]
    assert (await refresh(ada, ada.refresh_token, "another")).status_code == 401
    await assert_refused(stage, first.json()["accessToken"])


async def test_refresh_raced(stage: Stage) -> None:
    """However many come at once, one refresh token has at most one successor."""
    ada = await stage.person()
    answers = await asyncio.gather(*(refresh(ada, ada.refresh_token) for _ in range(8)))
    won = [answer for answer in answers if answer.status_code == 200]
    assert len(won) <= 1
    assert {answer.status_code for answer in answers} <= {200, 401}
    for answer in won:
        await assert_refused(stage, answer.json()["accessToken"])


async def test_forged_refresh_tokens(stage: Stage) -> None:
    """What we did not issue is refused, and does not sign anybody out."""
    ada, eve = await stage.people("ada", "eve")
    grant, body, tag = ada.refresh_token.split(".")
    _, own_body, own_tag = eve.refresh_token.split(".")
    for forged in (
        f"{grant}.{body}.{tag[:-1]}",
        f"{grant}.{body[::-1]}.{tag}",
        f"{grant}.{own_body}.{own_tag}",
        f"{grant}..{tag}",
        f"{grant}.{body}.{'A' * len(tag)}",
        grant,
        ".",
        "\u0430" + ada.refresh_token[1:],
    ):
        answer = await refresh(eve, forged)
        assert (answer.status_code, code_of(answer)) == (401, "unauthenticated")
    assert (await ada.get("/users/me")).status_code == 200
    assert (await refresh(ada, ada.refresh_token)).status_code == 200


async def test_refresh_after_signing_out(stage: Stage) -> None:
    """Who signs out leaves nothing behind that signs in again."""
    ada = await stage.person()
    fresh = (await refresh(ada, ada.refresh_token, "nonce")).json()
    await ada.done("POST", "/auth/logout")
    assert (await refresh(ada, fresh["refreshToken"])).status_code == 401
    assert (await refresh(ada, ada.refresh_token, "nonce")).status_code == 401


async def test_refresh_after_a_change_of_password(stage: Stage) -> None:
    """A new password locks out whoever had got in with the old one, and not its owner."""
    ada = await stage.person()
    thief = await ada.login()
    wire = await thief.socket()
    body = {"currentPassword": PASSWORD, "newPassword": "another horse, another staple"}
    await ada.done("POST", "/auth/password", body)
    assert await wire.closed() == 4401
    assert (await refresh(thief, thief.refresh_token)).status_code == 401
    await assert_refused(stage, thief.token)
    assert (await refresh(ada, ada.refresh_token)).status_code == 200


async def test_bad_refresh_tokens_are_told_apart_by_nobody(stage: Stage) -> None:
    """Spent, forged, ended or unknown: one answer, to the byte."""
    ada, bob = await stage.people("ada", "bob")
    await refresh(ada, ada.refresh_token)
    await bob.done("POST", "/auth/logout")
    answers = [
        await refresh(ada, token)
        for token in (ada.refresh_token, bob.refresh_token, ada.refresh_token[:-2], "nonsense")
    ]
    assert {(one.status_code, one.content) for one in answers} == {(401, answers[0].content)}
