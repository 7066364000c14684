import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from tests.servers.issuer import private_key, public_jwk
from whatchat.features.accounts.external_keys import ALGORITHMS, read_keys


def read(*jwks: object, allowed: tuple[str, ...] = ALGORITHMS) -> dict[str, str]:
    """The algorithm of each key that was taken."""
    document = json.dumps({"keys": [public_jwk(private_key("ES256"), kid="good"), *jwks]})
    keys = read_keys(document.encode(), {*allowed, "ES256"})
    assert keys["good"].algorithm == "ES256"
    return {kid: key.algorithm for kid, key in keys.items() if kid != "good"}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_key_is_used_with_the_algorithm_it_names(algorithm: str) -> None:
    assert read(public_jwk(private_key(algorithm), kid="a", alg=algorithm)) == {"a": algorithm}


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
def test_a_key_that_names_none_has_that_of_its_kind(algorithm: str) -> None:
    assert read(public_jwk(private_key(algorithm), kid="a")) == {"a": algorithm}


def test_an_rsa_key_that_names_none_has_one_all_the_same() -> None:
    jwk = public_jwk(private_key("RS256"), kid="a")
    assert read(jwk, allowed=("PS256",)) == {"a": "PS256"}


@pytest.mark.parametrize(
    ("algorithm", "fields"),
    [
        ("RS256", {"alg": "HS256"}),
        ("RS256", {"alg": "none"}),
        ("RS256", {"alg": "ES256"}),
        ("RS256", {"alg": "RS1"}),
        ("EdDSA", {"alg": "RS256"}),
        ("EdDSA", {"alg": ["EdDSA"]}),
        ("ES256", {"crv": "P-384"}),
        ("ES256", {"crv": {}}),
        ("EdDSA", {"use": "enc"}),
        ("EdDSA", {"key_ops": ["sign"]}),
        ("EdDSA", {"key_ops": "verify"}),
        ("EdDSA", {"kid": None}),
        ("EdDSA", {"kid": 7}),
        ("EdDSA", {"x": "AAAA"}),
        ("EdDSA", {"x": None}),
        ("RS256", {"n": "!"}),
        ("RS256", {"kty": "oct", "k": "c2VjcmV0"}),
        ("EdDSA", {"kty": "oct"}),
    ],
)
def test_a_key_for_anything_else_is_left_out(algorithm: str, fields: dict[str, Any]) -> None:
    jwk = public_jwk(private_key(algorithm), kid="a")
    assert len(read(jwk)) == 1
    assert read({**jwk, **fields}) == {}


def test_a_secret_is_left_out() -> None:
    for alg in ({}, {"alg": "HS256"}, {"alg": "RS256"}):
        assert read({"kty": "oct", "kid": "a", "k": "AAAA" * 20, **alg}) == {}


def test_a_short_rsa_key_is_left_out() -> None:
    short = rsa.generate_private_key(public_exponent=65_537, key_size=1_024)
    assert read(public_jwk(short, kid="a", alg="RS256")) == {}


def test_another_curve_is_left_out() -> None:
    assert read(public_jwk(ec.generate_private_key(ec.SECP384R1()), kid="a")) == {}


@pytest.mark.parametrize(
    ("algorithm", "write"),
    [
        ("EdDSA", OKPAlgorithm.to_jwk),
        ("ES256", ECAlgorithm.to_jwk),
        ("RS256", RSAAlgorithm.to_jwk),
    ],
)
def test_a_private_key_is_left_out(algorithm: str, write: Any) -> None:
    assert read({**write(private_key(algorithm), as_dict=True), "kid": "a"}) == {}


def test_an_algorithm_that_is_not_allowed_is_left_out() -> None:
    jwk = public_jwk(private_key("RS256"), kid="a", alg="RS256")
    assert read(jwk, allowed=("PS256",)) == {}


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": [7]}',
        b'{"keys": []}',
        b'{"keys": [{}]}',
        b"\xff",
        b"[" * 100_000,
        b'{"keys": [{"a": ' + b"[" * 100_000,
    ],
)
def test_what_is_no_set_of_keys_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match=r"key|JWK"):
        read_keys(document, ALGORITHMS)
