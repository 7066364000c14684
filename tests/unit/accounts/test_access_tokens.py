import hashlib
import hmac
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from whatchat.domain.errors import Unauthenticated
from whatchat.domain.ids import DeviceId, GrantId, UserId
from whatchat.domain.times import utc_now
from whatchat.features.accounts.access_tokens import LIFETIME_SECONDS, AccessTokens
from whatchat.features.accounts.keys import SHARED_KID, KeyRing, secret_key

SECRET = b"a secret of at least 32 bytes..."
OTHER = b"another secret, as long as that."
HEADER = {"typ": "at+jwt", "kid": SHARED_KID}

Change = Callable[[dict[str, Any]], object]


def issue(tokens: AccessTokens, *, age: timedelta = timedelta(0)) -> str:
    return tokens.issue(
        UserId("user"), DeviceId("device"), GrantId("grant"), jti="id", at=utc_now() - age
    )


def claims() -> dict[str, Any]:
    now = int(utc_now().timestamp())
    return {
        "iss": "whatchat",
        "aud": "whatchat",
        "sub": "user",
        "did": "device",
        "gid": "grant",
        "iat": now,
        "exp": now + 60,
        "jti": "id",
    }


def forged(
    payload: dict[str, Any],
    *,
    key: Any = SECRET,
    algorithm: str = "HS256",
    header: dict[str, Any] = HEADER,
) -> str:
    return jwt.encode(payload, key, algorithm=algorithm, headers=header)


@pytest.fixture
def tokens() -> AccessTokens:
    return AccessTokens(KeyRing.of_secret(SECRET))


def pem(key: Any) -> bytes:
    data: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return data


def test_a_token_says_what_it_was_issued_for(tokens: AccessTokens) -> None:
    found = tokens.verify(issue(tokens))
    assert (found.sub, found.did, found.gid, found.jti) == ("user", "device", "grant", "id")
    assert found.exp - found.iat == LIFETIME_SECONDS == 900


def test_a_token_is_of_the_type_for_access(tokens: AccessTokens) -> None:
    assert jwt.get_unverified_header(issue(tokens)) == {**HEADER, "alg": "HS256"}


def test_the_same_arguments_give_the_same_token(tokens: AccessTokens) -> None:
    at = utc_now()
    again = AccessTokens(KeyRing.of_secret(SECRET))
    made = {
        one.issue(UserId("u"), DeviceId("d"), GrantId("g"), jti="j", at=at)
        for one in (tokens, again)
    }
    assert len(made) == 1


def test_the_forgery_of_these_tests_is_good_where_nothing_is_wrong(tokens: AccessTokens) -> None:
    assert tokens.verify(forged(claims())).sub == "user"


def test_a_token_of_a_pod_whose_clock_is_ahead_is_good(tokens: AccessTokens) -> None:
    assert tokens.verify(issue(tokens, age=timedelta(seconds=-3))).sub == "user"


def test_what_we_signed_is_verified_without_the_library(
    tokens: AccessTokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = issue(tokens)
    monkeypatch.setattr(jwt, "decode", None)
    assert tokens.verify(token).sub == "user"


@given(
    changes=st.dictionaries(
        st.sampled_from([*claims(), "nbf", "scope"]),
        st.none() | st.integers(-1, 2**33) | st.text(max_size=3) | st.just("whatchat"),
        max_size=2,
    ),
    missing=st.none() | st.sampled_from([*claims()]),
)
def test_the_short_way_accepts_nothing_that_the_library_refuses(
    changes: dict[str, Any], missing: str | None
) -> None:
    tokens = AccessTokens(KeyRing.of_secret(SECRET))
    payload = claims() | changes
    payload.pop(missing or "", None)
    token = jwt.PyJWS().encode(json.dumps(payload).encode(), SECRET, headers=HEADER)
    if tokens._own(token) is not None:
        tokens._payload(token)  # raises what the library has against it


@pytest.mark.parametrize("missing", ["iss", "aud", "sub", "did", "gid", "iat", "exp", "jti"])
def test_a_token_without_a_claim_is_refused(tokens: AccessTokens, missing: str) -> None:
    payload = claims()
    del payload[missing]
    refuse(tokens, forged(payload))


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("iss", "another"),
        ("aud", "another"),
        ("aud", ["whatchat"]),
        ("exp", 1),
        ("exp", "soon"),
        ("exp", None),
        ("exp", 1e400),
        ("sub", 7),
        ("sub", None),
        ("did", {"$ne": 1}),
        ("gid", ["grant"]),
        ("jti", 7),
        ("iat", "now"),
        ("nbf", 4_000_000_000),
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(
    tokens: AccessTokens, claim: str, value: object
) -> None:
    refuse(tokens, forged(claims() | {claim: value}))


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT", "kid": HEADER["kid"]},
        {"typ": None, "kid": HEADER["kid"]},
        {"typ": "at+jwt"},
        {"typ": "at+jwt", "kid": "another"},
        {"typ": "at+jwt", "kid": HEADER["kid"], "crit": ["b64"], "b64": False},
    ],
)
def test_a_token_with_a_wrong_header_is_refused(
    tokens: AccessTokens, header: dict[str, Any]
) -> None:
    refuse(tokens, forged(claims(), header=header))


def test_an_expired_token_is_refused(tokens: AccessTokens) -> None:
    tokens.verify(issue(tokens, age=timedelta(seconds=LIFETIME_SECONDS - 5)))
    refuse(tokens, issue(tokens, age=timedelta(seconds=LIFETIME_SECONDS)))


def test_a_token_of_another_key_is_refused(tokens: AccessTokens) -> None:
    refuse(tokens, forged(claims(), key=b"x" * 32))


@pytest.mark.parametrize("name", ["none", "None", "NONE"])
def test_an_unsigned_token_is_refused(tokens: AccessTokens, name: str) -> None:
    unsigned = forged(claims(), key=None, algorithm="none")
    _, body, _ = unsigned.split(".")
    header = jwt.utils.base64url_encode(
        f'{{"alg":"{name}","typ":"at+jwt","kid":"{HEADER["kid"]}"}}'.encode()
    ).decode()
    refuse(tokens, unsigned)
    refuse(tokens, f"{header}.{body}.")


def test_a_token_of_our_key_with_another_algorithm_is_refused(tokens: AccessTokens) -> None:
    refuse(tokens, forged(claims(), key=SECRET * 2, algorithm="HS512"))
    longer = AccessTokens(KeyRing.of_secret(SECRET * 2))
    refuse(longer, forged(claims(), key=SECRET * 2, algorithm="HS512"))


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "\x00",
        "\ud800.a.b",
        "ü.ü.ü",
        "x" * 100_000,
        jwt.utils.base64url_encode(b"[" * 1_200).decode() + ".e30.c2ln",
        jwt.utils.base64url_encode(b"[]").decode() + ".e30.c2ln",
        jwt.utils.base64url_encode(b'{"kid":["hs256"],"typ":"at+jwt"}').decode() + ".e30.c2ln",
    ],
)
def test_what_is_no_token_is_refused(tokens: AccessTokens, token: str) -> None:
    refuse(tokens, token)


def test_any_changed_character_is_refused(tokens: AccessTokens) -> None:
    token = issue(tokens)
    for place in range(0, len(token) - 1, 7):
        other = "A" if token[place] != "A" else "B"
        refuse(tokens, token[:place] + other + token[place + 1 :])


class TestPreviousSecrets:
    def test_their_tokens_stay_good(self) -> None:
        before = AccessTokens(KeyRing.of_secret(SECRET))
        after = AccessTokens(KeyRing.of_secret(OTHER, [SECRET]))
        assert after.verify(issue(before)).sub == "user"
        refuse(before, issue(after))

    def test_they_sign_nothing(self) -> None:
        after = AccessTokens(KeyRing.of_secret(OTHER, [SECRET]))
        assert jwt.get_unverified_header(issue(after))["kid"] == secret_key(OTHER).kid
        refuse(AccessTokens(KeyRing.of_secret(SECRET)), issue(after))

    def test_one_that_was_withdrawn_is_refused(self) -> None:
        token = issue(AccessTokens(KeyRing.of_secret(SECRET)))
        refuse(AccessTokens(KeyRing.of_secret(OTHER)), token)

    def test_a_secret_that_is_alone_again_is_known_by_both_its_names(self) -> None:
        between = AccessTokens(KeyRing.of_secret(OTHER, [SECRET]))
        after = AccessTokens(KeyRing.of_secret(OTHER))
        assert after.verify(issue(between)).sub == "user"
        assert between.verify(issue(after)).sub == "user"

    def test_the_version_before_takes_the_tokens_of_a_secret_that_is_alone(self) -> None:
        tokens = AccessTokens(KeyRing.of_secret(SECRET))
        # It knew a key by this name alone, and was rolled out pod by pod.
        assert jwt.get_unverified_header(issue(tokens))["kid"] == "hs256"

    def test_one_name_does_not_stand_for_another(self) -> None:
        after = AccessTokens(KeyRing.of_secret(OTHER, [SECRET]))
        header = HEADER | {"kid": secret_key(OTHER).kid}
        refuse(after, forged(claims(), header=header))

    @pytest.mark.parametrize("secret", [SECRET, OTHER])
    def test_tokens_of_when_every_secret_had_one_name_stay_good(self, secret: bytes) -> None:
        after = AccessTokens(KeyRing.of_secret(OTHER, [SECRET]))
        token = forged(claims(), key=secret, header=HEADER | {"kid": SHARED_KID})
        assert after.verify(token).sub == "user"

    def test_the_library_takes_them_too(self) -> None:
        after = AccessTokens(KeyRing.of_secret(OTHER, [SECRET]))
        # Of another spelling than ours, so that the short way does not decide.
        payload = json.dumps(claims() | {"nbf": 1}).encode()
        own = secret_key(SECRET).kid
        for kid, secret in (("hs256", SECRET), ("hs256", OTHER), (own, SECRET)):
            token = jwt.PyJWS().encode(payload, secret, headers=HEADER | {"kid": kid})
            assert after._own(token) is None
            assert after.verify(token).sub == "user"
        token = jwt.PyJWS().encode(payload, b"x" * 32, headers=HEADER | {"kid": SHARED_KID})
        refuse(after, token)


def test_the_name_of_a_secret_tells_nothing_of_it() -> None:
    kid = secret_key(SECRET).kid
    assert re.fullmatch("hs-[0-9a-f]{8}", kid)
    assert kid[3:] not in hashlib.sha256(SECRET).hexdigest()
    assert kid != secret_key(OTHER).kid


@pytest.mark.parametrize(
    "extra",
    [
        {"jku": "https://keys.example.org/jwks"},
        {"x5u": "https://keys.example.org/chain.pem"},
        {"x5c": ["MIIB"]},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"zip": "DEF"},
        {"b64": False},
        {"cty": "JWT"},
    ],
)
def test_a_header_that_we_do_not_write_is_refused(
    tokens: AccessTokens, extra: dict[str, Any]
) -> None:
    refuse(tokens, signed(HEADER | extra, claims()))
    tokens.verify(signed(HEADER, claims()))


@pytest.mark.parametrize(
    "kid",
    [
        "../../dev/null",
        "/dev/null",
        "https://keys.example.org",
        "' OR 1=1 --",
        "",
        "hs256\x00",
        "x" * 900,
    ],
)
def test_a_kid_is_a_name_among_ours_and_nothing_else(tokens: AccessTokens, kid: str) -> None:
    refuse(tokens, forged(claims(), header=HEADER | {"kid": kid}))
    refuse(tokens, forged(claims(), key=bytes(32), header=HEADER | {"kid": kid}))


@pytest.mark.parametrize("claim", ["sub", "did", "gid", "jti"])
@pytest.mark.parametrize("value", ["", "a b", "x" * 33, "a\n", "$where", "ada@example.org"])
def test_a_token_names_only_what_can_be_an_id(tokens: AccessTokens, claim: str, value: str) -> None:
    refuse(tokens, forged(claims() | {claim: value}))


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        KeyRing.of_secret(b"x" * 31)


def refuse(tokens: AccessTokens, token: str) -> None:
    """The same answer, whatever is wrong."""
    with pytest.raises(Unauthenticated) as caught:
        tokens.verify(token)
    assert caught.value.body() == Unauthenticated().body()


def signed(header: dict[str, Any], payload: dict[str, Any]) -> str:
    """A token of our secret with exactly this header, which the library would not write."""
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", **header}, payload)]
    text = ".".join(jwt.utils.base64url_encode(part).decode() for part in parts)
    digest = hmac.digest(SECRET, text.encode(), "sha256")
    return f"{text}.{jwt.utils.base64url_encode(digest).decode()}"
