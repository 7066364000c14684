"""Access tokens that nobody issued, or not for this."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from tests.security.forging import altered, assert_refused, parts, segment, signed
from tests.security.person import code_of
from tests.security.stage import SECRET, Stage


async def test_algorithm_none(stage: Stage) -> None:
    """A token that says it needs no signature is nobody's."""
    header, claims = parts((await stage.person()).token)
    for name in ("none", "None", "NONE", "nOnE", "", None, 0):
        unsigned = f"{segment(header | {'alg': name})}.{segment(claims)}."
        await assert_refused(stage, unsigned, unsigned.rstrip("."))


async def test_public_key_as_a_secret(stage: Stage) -> None:
    """What verifies EdDSA tokens and is no secret cannot sign HS256 ones."""
    with TemporaryDirectory() as folder:
        public = _key_pair(Path(folder))
        node = await stage.another(jwt_keys_dir=folder)
        ada = await stage.person(node=node)
        header, claims = parts(ada.token)
        assert header["alg"] == "EdDSA"
        for key in public:
            forged = signed(header | {"alg": "HS256"}, claims, key)
            await assert_refused(stage, forged, node=node)


async def test_asymmetric_signature_under_a_secret_key_id(stage: Stage) -> None:
    """Who signs with a key of their own, of a kind that we do not use, is not believed."""
    header, claims = parts((await stage.person()).token)
    for key, algorithm in (
        (rsa.generate_private_key(public_exponent=65537, key_size=2048), "RS256"),
        (ed25519.Ed25519PrivateKey.generate(), "EdDSA"),
    ):
        token = jwt.encode(claims, key, algorithm, {"typ": header["typ"], "kid": header["kid"]})
        await assert_refused(stage, token)


async def test_other_hash_under_the_right_secret(stage: Stage) -> None:
    """One key has one algorithm: even the right secret signs with no other."""
    header, claims = parts((await stage.person()).token)
    for algorithm in ("HS384", "HS512"):
        token = jwt.encode(claims, SECRET, algorithm, {"typ": header["typ"], "kid": header["kid"]})
        await assert_refused(stage, token)


async def test_key_id_injection(stage: Stage) -> None:
    """A ``kid`` is looked up among our keys and never becomes a path, a query or an address."""
    token = (await stage.person()).token
    for kid in (
        "../../../../dev/null",
        "/proc/sys/kernel/randomize_va_space",
        "hs256' UNION SELECT 'key' --",
        "http://127.0.0.1:1/jwks.json",
        "k" * 1_000,
        "hs256\x00",
        "",
        ["hs256"],
        {"kid": "hs256"},
        256,
    ):
        await assert_refused(stage, altered(token, header={"kid": kid}, key=b""))
        await assert_refused(stage, altered(token, header={"kid": kid}))


async def test_foreign_issuer(stage: Stage) -> None:
    """Who else signs with our secret does not issue tokens for us."""
    token = (await stage.person()).token
    for issuer in ("evil", "whatchat.example", "Whatchat", "", None, ["whatchat"], 1):
        await assert_refused(stage, altered(token, iss=issuer))


async def test_foreign_audience(stage: Stage) -> None:
    """A token that was issued for another service opens nothing here."""
    token = (await stage.person()).token
    for audience in ("billing", "", None, ["billing"], ["billing", "whatchat"], 1):
        await assert_refused(stage, altered(token, aud=audience))


async def test_wrong_type(stage: Stage) -> None:
    """Only what says that it is an access token is one (RFC 9068): no id token, no other."""
    token = (await stage.person()).token
    for kind in ("JWT", "jwt", "refresh+jwt", "id+jwt", "", None, ["at+jwt"]):
        await assert_refused(stage, altered(token, header={"typ": kind}))


async def test_expired(stage: Stage) -> None:
    """A token ends with its time, to the second, and cannot go without one."""
    token = (await stage.person()).token
    now = int(time.time())
    for end in (now - 1, now - 86_400, 0, -1, None, "never", True, 1e400):
        await assert_refused(stage, altered(token, exp=end))


async def test_not_yet_valid(stage: Stage) -> None:
    """A token that is for later is for later."""
    token = (await stage.person()).token
    await assert_refused(stage, altered(token, nbf=int(time.time()) + 3_600))


async def test_key_brought_along(stage: Stage) -> None:
    """A key, or the address of one, in a token's header is not what the token is verified by."""
    header, claims = parts((await stage.person()).token)
    key = b"a key that the attacker has made by himself"
    jwk = {"kty": "oct", "k": segment(key), "alg": "HS256"}
    for name, value in (
        ("jwk", jwk),
        ("jku", "http://127.0.0.1:1/jwks.json"),
        ("x5u", "http://127.0.0.1:1/chain.pem"),
        ("x5c", [segment(key)]),
    ):
        await assert_refused(stage, signed(header | {name: value}, claims, key))
        await assert_refused(stage, signed(header | {name: value, "kid": None}, claims, key))


async def test_critical_header_that_nobody_understands(stage: Stage) -> None:
    """What a token calls critical is understood or the token is refused (RFC 7515, 4.1.11)."""
    token = (await stage.person()).token
    for critical in (["exp"], ["b64"], []):
        header = {"crit": critical, "exp": 1, "b64": False}
        await assert_refused(stage, altered(token, header=header))


async def test_signature_stripped_or_borrowed(stage: Stage) -> None:
    """A signature belongs to one token, to its last bit."""
    ada, bob = await stage.people("ada", "bob")
    header, claims, signature = ada.token.split(".")
    borrowed = bob.token.split(".")[2]
    for one in ("", borrowed, signature[:-2], signature[::-1], segment(bytes(32)), "AA"):
        await assert_refused(stage, f"{header}.{claims}.{one}")
    await assert_refused(stage, f"{header}.{claims}", f"{header}.{claims}.{signature}.{signature}")


async def test_another_subject_under_the_old_signature(stage: Stage) -> None:
    """Nobody becomes somebody else by writing another name into a token."""
    ada, bob = await stage.people("ada", "bob")
    header, claims = parts(bob.token)
    signature = bob.token.split(".")[2]
    for changed in ({"sub": ada.id}, {"gid": parts(ada.token)[1]["gid"]}, {"exp": 2**40}):
        await assert_refused(stage, f"{segment(header)}.{segment(claims | changed)}.{signature}")


async def test_unicode_in_tokens(stage: Stage) -> None:
    """A token is ASCII: nothing is folded, trimmed or replaced until it fits."""
    token = (await stage.person()).token
    head, rest = token[:1], token[1:]
    for one in (
        chr(ord(head) + 0xFEE0) + rest,
        token + "\u200b",
        token.replace("e", "\u0435", 1),
        "\ufeff" + token,
        token + "\U0001f511",
    ):
        await assert_refused(stage, one)


async def test_token_of_another_deployment(stage: Stage) -> None:
    """Two deployments with secrets of their own have no user in common."""
    elsewhere = await stage.another(jwt_secret="the secret of quite another deployment")
    ada = await stage.person(node=elsewhere)
    await assert_refused(stage, ada.token)


async def test_huge_and_encrypted_tokens(stage: Stage) -> None:
    """What is no signed token of a sensible size is not even taken apart."""
    token = (await stage.person()).token
    encrypted = ".".join(
        (segment({"alg": "dir", "enc": "A256GCM", "zip": "DEF"}), "", "A", "A", "A")
    )
    await assert_refused(stage, altered(token, padding="p" * 4_000), encrypted, "." * 2_000)


async def test_refresh_token_as_an_access_token(stage: Stage) -> None:
    """What is kept for a month does not open what fifteen minutes are meant for."""
    await assert_refused(stage, (await stage.person()).refresh_token)


async def test_access_token_as_a_refresh_token(stage: Stage) -> None:
    """A stolen access token cannot be prolonged."""
    ada = await stage.person()
    answer = await ada.http.post("/api/auth/refresh", json={"refreshToken": ada.token[:512]})
    assert (answer.status_code, code_of(answer)) == (401, "unauthenticated")


async def test_other_schemes_of_authorization(stage: Stage) -> None:
    """A token is taken from one place alone, under one name."""
    ada = await stage.person()
    for value in (f"Basic {ada.token}", ada.token, f"Token {ada.token}", f"Bearer{ada.token}"):
        answer = await ada.http.get("/api/users/me", headers={"Authorization": value})
        assert answer.status_code == 401
    cookies = {"Cookie": f"token={ada.token}; access_token={ada.token}"}
    for headers in (cookies, {"X-Access-Token": ada.token}, {"Authentication": ada.token}):
        assert (await ada.http.get("/api/users/me", headers=headers)).status_code == 401


def _key_pair(folder: Path) -> list[bytes]:
    """A new key in the folder; its public half in every form that an attacker might try."""
    private = ed25519.Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "one.pem").write_bytes(pem)
    encodings, formats = serialization.Encoding, serialization.PublicFormat
    forms = [
        (encodings.PEM, formats.SubjectPublicKeyInfo),
        (encodings.DER, formats.SubjectPublicKeyInfo),
        (encodings.Raw, formats.Raw),
    ]
    public = private.public_key()
    return [public.public_bytes(*form) for form in forms]
