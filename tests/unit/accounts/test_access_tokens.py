import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from whatchat.domain.errors import Unauthenticated
from whatchat.domain.ids import DeviceId, GrantId, UserId
from whatchat.domain.times import utc_now
from whatchat.features.accounts.access_tokens import LIFETIME_SECONDS, AccessTokens
from whatchat.features.accounts.keys import KeyRing

SECRET = b"a secret of at least 32 bytes..."
HEADER = {"typ": "at+jwt", "kid": "hs256"}

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
        {"typ": "JWT", "kid": "hs256"},
        {"typ": None, "kid": "hs256"},
        {"typ": "at+jwt"},
        {"typ": "at+jwt", "kid": "another"},
        {"typ": "at+jwt", "kid": "hs256", "crit": ["b64"], "b64": False},
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
        f'{{"alg":"{name}","typ":"at+jwt","kid":"hs256"}}'.encode()
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


class TestKeyFolder:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for kid in ("2026-01", "2026-02"):
            (tmp_path / f"{kid}.pem").write_bytes(pem(Ed25519PrivateKey.generate()))
        (tmp_path / "README").write_text("not a key")
        (tmp_path / ".hidden.pem").write_text("not a key")
        return tmp_path

    def test_the_newest_key_signs_and_every_key_verifies(self, folder: Path) -> None:
        before = AccessTokens(KeyRing.of_folder(folder))
        token = issue(before)
        (folder / "2026-03.pem").write_bytes(pem(Ed25519PrivateKey.generate()))
        after = AccessTokens(KeyRing.of_folder(folder))
        assert jwt.get_unverified_header(token)["kid"] == "2026-02"
        assert jwt.get_unverified_header(issue(after))["kid"] == "2026-03"
        assert after.verify(token).sub == "user"
        refuse(before, issue(after))

    def test_a_withdrawn_key_verifies_no_longer(self, folder: Path) -> None:
        token = issue(AccessTokens(KeyRing.of_folder(folder)))
        (folder / "2026-02.pem").unlink()
        refuse(AccessTokens(KeyRing.of_folder(folder)), token)

    def test_a_public_key_is_never_taken_for_a_secret(self, folder: Path) -> None:
        ring = KeyRing.of_folder(folder)
        public = ring.newest.public.key
        raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        header = {"typ": "at+jwt", "kid": ring.newest.kid}
        refuse(AccessTokens(ring), forged(claims(), key=raw, header=header))

    def test_one_kid_does_not_stand_for_another(self, folder: Path) -> None:
        ring = KeyRing.of_folder(folder)
        older = ring.find("2026-01")
        assert older is not None
        header = {"typ": "at+jwt", "kid": "2026-02"}
        token = forged(claims(), key=older.private, algorithm="EdDSA", header=header)
        refuse(AccessTokens(ring), token)

    @pytest.mark.parametrize("content", [b"", b"not a key", pem(generate_private_key(SECP256R1()))])
    def test_a_file_that_is_no_key_is_named(self, folder: Path, content: bytes) -> None:
        (folder / "2026-09.pem").write_bytes(content)
        with pytest.raises(ValueError, match=r"2026-09\.pem"):
            KeyRing.of_folder(folder)

    def test_a_folder_without_keys_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match=tmp_path.name):
            KeyRing.of_folder(tmp_path)


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        KeyRing.of_secret(b"x" * 31)


def refuse(tokens: AccessTokens, token: str) -> None:
    """The same answer, whatever is wrong."""
    with pytest.raises(Unauthenticated) as caught:
        tokens.verify(token)
    assert caught.value.body() == Unauthenticated().body()
