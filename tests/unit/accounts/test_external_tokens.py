import asyncio
import base64
import json
import logging
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import jwt
import pytest

from tests.servers.issuer import (
    CONFIGURATION,
    JWKS,
    Answer,
    Issuer,
    private_key,
    public_jwk,
    public_pem,
)
from tests.waiting import until
from whatchat.adapters.web.documents import HttpDocuments
from whatchat.domain.errors import Unauthenticated, Unavailable
from whatchat.features.accounts import issuer_keys
from whatchat.features.accounts.external_tokens import (
    LEEWAY_SECONDS,
    MAX_LENGTH,
    MAX_LIFETIME_SECONDS,
    ExternalTokens,
)
from whatchat.features.accounts.issuer_keys import IssuerKeys
from whatchat.observability.metrics import Metrics


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def keys(issuer: Issuer, metrics: Metrics) -> AsyncIterator[IssuerKeys]:
    keys = IssuerKeys(issuer.url, HttpDocuments(), metrics)
    await keys.start()
    yield keys
    await keys.stop()


@pytest.fixture
def tokens(issuer: Issuer, keys: IssuerKeys) -> ExternalTokens:
    return ExternalTokens(issuer.url, "chat", keys)


async def refuse(tokens: ExternalTokens, token: str) -> None:
    """The same answer, whatever is wrong."""
    with pytest.raises(Unauthenticated) as caught:
        await tokens.verify(token)
    assert caught.value.body() == Unauthenticated().body()


def failures(metrics: Metrics) -> float:
    value = metrics.registry.get_sample_value("whatchat_issuer_failures_total")
    assert value is not None
    return value


def signed_by_hand(header: Mapping[str, Any], claims: Mapping[str, Any], key: bytes) -> str:
    """An HS256 token under any key, which the library would not make."""
    parts = (json.dumps({"alg": "HS256", **header}).encode(), json.dumps(claims).encode())
    text = ".".join(base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in parts)
    made = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        text.encode(), key
    )
    return f"{text}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"


class TestTokens:
    @pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256", "PS256"])
    async def test_a_good_token_says_who_it_is_for(
        self, issuer: Issuer, tokens: ExternalTokens, algorithm: str
    ) -> None:
        issuer.rotate("second", algorithm)
        found = await tokens.verify(issuer.token(preferred_username="ada", name="Ada"))
        assert (found.sub, found.session, found.name) == ("ada", "sid:session", "Ada")

    @pytest.mark.parametrize(
        ("changes", "session"),
        [
            ({"auth_time": 1}, "sid:session"),
            ({"auth_time": 1, "sid": None}, "auth_time:1"),
            ({"sid": None, "iat": 7}, "iat:7"),
            ({"sid": None, "iat": None}, None),
        ],
    )
    async def test_a_session_is_named_by_what_there_is(
        self, issuer: Issuer, tokens: ExternalTokens, changes: Any, session: str | None
    ) -> None:
        assert (await tokens.verify(issuer.token(**changes))).session == session

    @pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt", "AT+JWT", "JWT", None])
    async def test_its_type_is_one_for_access(
        self, issuer: Issuer, tokens: ExternalTokens, typ: str | None
    ) -> None:
        await tokens.verify(issuer.token(headers={"typ": typ}, aud=["another", "chat"]))

    async def test_clocks_may_differ_a_little(self, issuer: Issuer, tokens: ExternalTokens) -> None:
        ahead = int(time.time()) + LEEWAY_SECONDS - 5
        await tokens.verify(issuer.token(iat=ahead, nbf=ahead))
        await tokens.verify(issuer.token(exp=int(time.time()) + MAX_LIFETIME_SECONDS))

    @pytest.mark.parametrize(
        "changes",
        [
            {"iss": "https://login.example.org"},
            {"iss": None},
            {"aud": "another"},
            {"aud": ["another"]},
            {"aud": None},
            {"aud": "chatter"},
            {"exp": None},
            {"exp": 1},
            {"exp": "soon"},
            {"exp": 1e400},
            {"exp": int(time.time()) + 2 * MAX_LIFETIME_SECONDS},
            {"exp": int(time.time()) - 1},
            {"nbf": int(time.time()) + 3_600},
            {"iat": int(time.time()) + 3_600},
            {"iat": "now"},
            {"sub": None},
            {"sub": ""},
            {"sub": 7},
            {"sub": "x" * 256},
            {"sid": 7},
            {"sid": ""},
        ],
    )
    async def test_a_wrong_claim_is_refused(
        self, issuer: Issuer, tokens: ExternalTokens, changes: Any
    ) -> None:
        await tokens.verify(issuer.token())
        claims = issuer.claims(**changes)
        headers = {"kid": issuer.kid, "typ": "at+jwt"}
        payload = json.dumps(claims).encode()
        await refuse(tokens, jwt.PyJWS().encode(payload, issuer.signing, issuer.algorithm, headers))

    @pytest.mark.parametrize(
        "changes",
        [
            {"nonce": "n"},
            {"at_hash": "h"},
            {"c_hash": "h"},
            {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}},
            {"typ": "ID"},
            {"typ": "Refresh"},
        ],
    )
    async def test_other_tokens_of_the_issuer_are_refused(
        self, issuer: Issuer, tokens: ExternalTokens, changes: Any
    ) -> None:
        await refuse(tokens, issuer.token(**changes))

    @pytest.mark.parametrize(
        "headers",
        [
            {"crit": ["exp"]},
            {"crit": []},
            {"zip": "DEF"},
            {"typ": "logout+jwt"},
            {"typ": "id+jwt"},
            {"typ": "dpop+jwt"},
            {"kid": ""},
            {"kid": "unknown"},
            {"kid": "../keys"},
        ],
    )
    async def test_a_wrong_header_is_refused(
        self, issuer: Issuer, tokens: ExternalTokens, headers: Any
    ) -> None:
        await refuse(tokens, issuer.token(headers=headers))

    async def test_no_key_is_taken_from_a_token(
        self, issuer: Issuer, tokens: ExternalTokens
    ) -> None:
        mine = private_key("EdDSA")
        headers = {
            "kid": issuer.kid,
            "typ": "at+jwt",
            "jwk": public_jwk(mine, kid=issuer.kid),
            "jku": issuer.jwks_url.replace("keys", "mine"),
            "x5u": issuer.jwks_url.replace("keys", "chain"),
        }
        for kid in (issuer.kid, "mine"):
            token = jwt.encode(issuer.claims(), mine, "EdDSA", {**headers, "kid": kid})
            await refuse(tokens, token)
        assert set(issuer.asked) == {CONFIGURATION, JWKS}

    async def test_a_public_key_is_never_taken_for_a_secret(
        self, issuer: Issuer, tokens: ExternalTokens
    ) -> None:
        issuer.rotate("rsa", "RS256")
        await tokens.verify(issuer.token())
        header = {"kid": "rsa", "typ": "at+jwt"}
        pem = public_pem(issuer.signing)
        for secret in (pem, pem.strip(), json.dumps(issuer.published["rsa"]).encode()):
            await refuse(tokens, signed_by_hand(header, issuer.claims(), secret))

    async def test_a_key_is_not_used_with_another_algorithm(
        self, issuer: Issuer, tokens: ExternalTokens
    ) -> None:
        issuer.rotate("rsa", "RS256")
        for algorithm in ("PS256", "RS512"):
            headers = {"kid": "rsa", "typ": "at+jwt"}
            await refuse(tokens, jwt.encode(issuer.claims(), issuer.signing, algorithm, headers))

    async def test_an_unsigned_token_is_refused(
        self, issuer: Issuer, tokens: ExternalTokens
    ) -> None:
        _, payload, _ = issuer.token().split(".")
        for name in ("none", "None", "NONE", ""):
            header = json.dumps({"alg": name, "kid": issuer.kid, "typ": "at+jwt"}).encode()
            begins = base64.urlsafe_b64encode(header).rstrip(b"=").decode()
            await refuse(tokens, f"{begins}.{payload}.")

    async def test_one_kid_does_not_stand_for_another(
        self, issuer: Issuer, tokens: ExternalTokens
    ) -> None:
        first = issuer.signing
        issuer.rotate("second")
        token = jwt.encode(issuer.claims(), first, "EdDSA", {"kid": "second", "typ": "at+jwt"})
        await refuse(tokens, token)

    @pytest.mark.parametrize(
        "token",
        [
            "",
            "..",
            "a.b.c",
            "ü.ü.ü",
            "\ud800.a.b",
            "x" * (MAX_LENGTH + 1),
            "W1tb" * 1_500 + ".e30.x",
        ],
    )
    async def test_what_is_no_token_is_refused(self, tokens: ExternalTokens, token: str) -> None:
        await refuse(tokens, token)
        assert not tokens.are_meant_by(token)

    async def test_a_token_says_who_made_it(self, issuer: Issuer, tokens: ExternalTokens) -> None:
        assert tokens.are_meant_by(issuer.token())
        others: list[object] = [issuer.url + "/", "whatchat", [issuer.url], {}]
        for iss in others:
            payload = json.dumps(issuer.claims(iss=iss)).encode()
            token = jwt.PyJWS().encode(payload, issuer.signing, "EdDSA")
            assert not tokens.are_meant_by(token)
        nested = base64.urlsafe_b64encode(b'{"iss":' + b"[" * 5_000).rstrip(b"=").decode()
        assert not tokens.are_meant_by(f"e30.{nested}.c2ln")


class TestKeys:
    async def test_a_new_key_is_found_at_once(self, issuer: Issuer, tokens: ExternalTokens) -> None:
        await tokens.verify(issuer.token())
        issuer.rotate("second")
        taken = await asyncio.gather(*(tokens.verify(issuer.token()) for _ in range(10)))
        assert len(taken) == 10
        assert issuer.asked[JWKS] <= 3

    async def test_a_key_withdrawn_is_refused_when_they_are_read_again(
        self, issuer: Issuer, tokens: ExternalTokens
    ) -> None:
        old = issuer.token()
        await tokens.verify(old)
        issuer.rotate("second", keep=False)
        await tokens.verify(issuer.token())
        await refuse(tokens, old)

    async def test_invented_names_of_keys_cause_no_storm(
        self, issuer: Issuer, tokens: ExternalTokens
    ) -> None:
        await tokens.verify(issuer.token())
        before = issuer.asked[JWKS]
        for _ in range(5):
            forged = [issuer.token(headers={"kid": f"made-up-{one}"}) for one in range(40)]
            await asyncio.gather(*(refuse(tokens, token) for token in forged))
        assert issuer.asked[JWKS] <= before + 1

    async def test_an_issuer_that_is_away_changes_nothing(
        self,
        issuer: Issuer,
        tokens: ExternalTokens,
        metrics: Metrics,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(issuer_keys, "AGAIN_SECONDS", 0.0)
        caplog.set_level(logging.INFO, issuer_keys.__name__)
        token = issuer.token()
        await tokens.verify(token)
        issuer.stop()
        issuer.rotate("second")
        for _ in range(3):
            await refuse(tokens, issuer.token())
        await tokens.verify(token)
        (complaint,) = caplog.messages
        assert issuer.url in complaint
        assert failures(metrics) == 3
        issuer.start()
        await tokens.verify(issuer.token())

    async def test_until_they_were_read_the_outcome_is_unknown(
        self, issuer: Issuer, tokens: ExternalTokens, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(issuer_keys, "AGAIN_SECONDS", 0.0)
        token = issuer.token()
        issuer.stop()
        with pytest.raises(Unavailable):
            await tokens.verify(token)
        issuer.start()
        assert (await tokens.verify(token)).sub == "ada"

    async def test_they_are_read_again_and_again(
        self, issuer: Issuer, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(issuer_keys, "REFRESH_SECONDS", 0.01)
        keys = IssuerKeys(issuer.url, HttpDocuments(), metrics, url=issuer.jwks_url)
        await keys.start()
        await until(lambda: issuer.asked[JWKS] > 3)
        await keys.stop()
        assert issuer.asked[CONFIGURATION] == 0

    @pytest.mark.parametrize(
        "configuration",
        [
            {"issuer": "https://login.example.org", "jwks_uri": "{jwks}"},
            {"issuer": "{url}/", "jwks_uri": "{jwks}"},
            {"issuer": "{url}"},
            {"issuer": "{url}", "jwks_uri": "http://keys.example.org/"},
            {"issuer": "{url}", "jwks_uri": "file:///etc/passwd"},
            [],
        ],
    )
    async def test_a_configuration_that_is_not_the_issuers_is_not_followed(
        self,
        issuer: Issuer,
        metrics: Metrics,
        configuration: object,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        text = json.dumps(configuration)
        text = text.replace("{url}", issuer.url).replace("{jwks}", issuer.jwks_url)
        issuer.answers[CONFIGURATION] = lambda: (200, {}, text.encode())
        keys = IssuerKeys(issuer.url, HttpDocuments(), metrics)
        with pytest.raises(Unavailable):
            await keys.find(issuer.kid)
        assert issuer.asked[JWKS] == 0
        assert "its " in caplog.text


class TestDocuments:
    async def test_only_what_is_there_and_small_is_read(self, issuer: Issuer) -> None:
        documents = HttpDocuments(seconds=0.5)

        def late() -> Answer:
            time.sleep(1)
            return 200, {}, b"{}"

        away = {"location": issuer.jwks_url}
        issuer.answers |= {
            "/moved": lambda: (302, away, b""),
            "/huge": lambda: (200, {}, b"x" * 300_000),
            "/slow": late,
            "/ok?a=b": lambda: (200, {}, b"{}"),
        }
        base = issuer.url.removesuffix("/realm")
        assert await documents.read(f"{base}/ok?a=b") == b"{}"
        for path in ("/moved", "/huge", "/slow", "/none"):
            with pytest.raises(Unavailable):
                await documents.read(base + path)
        assert issuer.asked[JWKS] == 0
        for url in ("file:///etc/passwd", "ftp://127.0.0.1/", "http://", "http://127.0.0.1:x/"):
            with pytest.raises(Unavailable, match="not a URL"):
                await documents.read(url)

    async def test_a_server_of_no_known_authority_is_not_read(self, issuer: Issuer) -> None:
        with pytest.raises(Unavailable):
            await HttpDocuments().read(issuer.jwks_url.replace("http://", "https://"))
        assert not issuer.asked

    async def test_an_answer_that_trickles_is_cut(self) -> None:
        cut = asyncio.Event()

        async def trickle(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while True:
                    writer.write(b"H")
                    await writer.drain()
                    await asyncio.sleep(0.02)
            except ConnectionError:
                cut.set()

        server = await asyncio.start_server(trickle, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        began = time.monotonic()
        with pytest.raises(Unavailable, match="in time"):
            await HttpDocuments(seconds=0.2).read(f"http://127.0.0.1:{port}/")
        assert time.monotonic() - began < 2
        await asyncio.wait_for(cut.wait(), 5)
        server.close()
