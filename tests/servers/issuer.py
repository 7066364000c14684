"""An issuer of tokens elsewhere: discovery and keys over HTTP, on loopback."""

import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

AUDIENCE: Final = "chat"
CONFIGURATION: Final = "/realm/.well-known/openid-configuration"
JWKS: Final = "/realm/keys"

Answer = tuple[int, Mapping[str, str], bytes]

_MADE: Final[dict[str, Any]] = {}


def private_key(algorithm: str) -> Any:
    """A new key; an RSA key is made once, as that takes long."""
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm not in _MADE:
        _MADE[algorithm] = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    return _MADE[algorithm]


def public_jwk(key: Any, **fields: Any) -> dict[str, Any]:
    """A key as it is published."""
    public = key.public_key()
    kinds: list[tuple[type, Callable[..., Any]]] = [
        (ed25519.Ed25519PublicKey, OKPAlgorithm.to_jwk),
        (ec.EllipticCurvePublicKey, ECAlgorithm.to_jwk),
        (rsa.RSAPublicKey, RSAAlgorithm.to_jwk),
    ]
    write = next(write for kind, write in kinds if isinstance(public, kind))
    published = {name: value for name, value in write(public, as_dict=True).items() if value}
    published.pop("key_ops", None)
    return {**published, "use": "sig", **fields}


def public_pem(key: Any) -> bytes:
    """A key as it is often handed around."""
    pem: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Clients may go before they have their answer."""


class Issuer:
    """Signs tokens with ``signing``, publishes ``published``, and counts who asks for what."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.answers: dict[str, Callable[[], Answer]] = {
            CONFIGURATION: lambda: _json({"issuer": self.url, "jwks_uri": self.jwks_url}),
            JWKS: lambda: _json({"keys": list(self.published.values())}),
        }
        self.published: dict[str, dict[str, Any]] = {}
        self._port = 0
        self._server: _Server | None = None
        self.rotate("first")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """How the issuer names itself."""
        return f"http://127.0.0.1:{self._port}/realm"

    @property
    def jwks_url(self) -> str:
        """Where its keys are."""
        return f"http://127.0.0.1:{self._port}{JWKS}"

    def rotate(self, kid: str, algorithm: str = "EdDSA", *, keep: bool = True) -> None:
        """Sign with a new key from now on; the earlier ones stay published or do not."""
        if not keep:
            self.published.clear()
        self.kid, self.algorithm, self.signing = kid, algorithm, private_key(algorithm)
        self.published[kid] = public_jwk(self.signing, kid=kid, alg=algorithm)

    def start(self) -> None:
        """Answer, at the same port as before."""
        self._server = _Server(("127.0.0.1", self._port), self._handler())
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Answer no more; harmless if that has happened."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Those of a good token; ``None`` leaves one out."""
        now = int(time.time())
        good = {
            "iss": self.url,
            "sub": "ada",
            "aud": AUDIENCE,
            "exp": now + 300,
            "iat": now,
            "sid": "session",
            "jti": secrets.token_hex(8),
        }
        return {name: value for name, value in {**good, **changes}.items() if value is not None}

    def token(self, *, headers: Mapping[str, Any] | None = None, **changes: Any) -> str:
        """A token as the issuer signs it now."""
        return jwt.encode(
            self.claims(**changes),
            self.signing,
            self.algorithm,
            {"kid": self.kid, "typ": "at+jwt", **(headers or {})},
        )

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked[self.path] += 1
                answer = issuer.answers.get(self.path, lambda: (404, {}, b""))
                status, headers, body = answer()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                """Nothing."""

        return Handler


def _json(document: object) -> Answer:
    return 200, {"content-type": "application/json"}, json.dumps(document).encode()
