"""The configuration: the only reader of the environment."""

import os
import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import unquote

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from whatchat.domain.urls import has_a_port, is_absolute, is_private
from whatchat.secret_files import secrets_from_files

PREFIX = "WHATCHAT_"
MIN_SECRET_BYTES = 32
DEFAULT_PORT = 8000

SECRETS = (
    "store_url",
    "redis_url",
    "jwt_secret",
    "jwt_previous_secrets",
    "admin_token",
    "admin_read_token",
    "otlp_headers",
)
"""What may be given as a file: ``WHATCHAT_JWT_SECRET_FILE`` in place of ``WHATCHAT_JWT_SECRET``."""

_HEADER = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*([!-~]*)\s*\Z")
_COOKIE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}\Z")
_ORIGIN = re.compile(r"https?://[^/\s?#@]+\Z")
_REDIS_URL = re.compile(r"(redis|rediss|redis\+sentinel|redis\+cluster)://[^/\s]+(/\S*)?\Z")
_MONGODB_URL = re.compile(r"mongodb(\+srv)?://[^/\s]+(/\S*)?\Z")


class BadSetting(Exception):
    """The environment is not usable; the text is one line that names the variable."""


class Settings(BaseSettings):
    """What the environment says, checked as a whole. Its ``repr`` shows no secret."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, env_ignore_empty=True, extra="ignore"
    )

    store_url: Annotated[str, Field(repr=False)] = "sqlite:///./data/whatchat.db"
    redis_url: Annotated[str, Field(repr=False)] = ""
    jwt_secret: SecretStr | None = None
    jwt_previous_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    jwt_keys_dir: Path | None = None
    oidc_issuer: str | None = None
    oidc_audience: str | None = None
    oidc_jwks_url: str | None = None
    oidc_algorithms: Annotated[
        tuple[Literal["EdDSA", "ES256", "RS256", "PS256"], ...], NoDecode
    ] = ()
    env: Literal["development", "production"] = "development"
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = ()
    ping_interval_ms: Annotated[int, Field(ge=100, le=3_600_000)] = 25_000
    ping_timeout_ms: Annotated[int, Field(ge=100, le=3_600_000)] = 20_000
    max_payload_bytes: Annotated[int, Field(ge=1024, le=16 * 1024 * 1024)] = 65_536
    drain_seconds: Annotated[int, Field(ge=0, le=3600)] = 30
    internal_port: Annotated[int, Field(ge=0, le=65_535)] = 0
    admin_token: SecretStr | None = None
    admin_read_token: SecretStr | None = None
    admin_url: str | None = None
    rate_limits: Literal["on", "off"] = "on"
    anomaly_rules: Path | None = None
    connections_per_address: Annotated[int, Field(ge=1)] = 4096
    handshakes_per_second: Annotated[int, Field(ge=1)] = 200
    connections_per_user: Annotated[int, Field(ge=1)] = 100

    rebalance: Literal["on", "off"] = "on"
    rebalance_per_minute: Annotated[int, Field(ge=1, le=60_000)] = 600
    affinity_cookie: str = ""

    audit_key_file: Path | None = None
    audit_heads_file: Path | None = None
    audit_head_seconds: Annotated[int, Field(ge=1, le=86_400)] = 60

    otlp_endpoint: str | None = None
    otlp_headers: SecretStr | None = None
    trace_ratio: Annotated[float, Field(ge=0, le=1)] = 0.01

    @property
    def sqlite_path(self) -> str | None:
        """The embedded store's file, or ``:memory:``; ``None`` if the store is another."""
        scheme, _, rest = self.store_url.partition("://")
        return rest.removeprefix("/") if scheme == "sqlite" else None

    @property
    def data_dir(self) -> Path | None:
        """The folder of the embedded store's file; ``None`` where it keeps nothing."""
        path = self.sqlite_path
        return None if path is None or path == ":memory:" else Path(path).parent

    @property
    def admin_api(self) -> str:
        """Where operators on this machine find the admin API, unless told otherwise."""
        return self.admin_url or f"http://127.0.0.1:{self.internal_port or DEFAULT_PORT}"

    @property
    def collector_headers(self) -> dict[str, str]:
        """What is sent along with traces."""
        return _headers(self.otlp_headers.get_secret_value()) if self.otlp_headers else {}

    @field_validator("cors_origins", "oidc_algorithms", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _items(value) if isinstance(value, str) else value

    @field_validator("jwt_previous_secrets", mode="before")
    @classmethod
    def _earlier(cls, value: object) -> object:
        # A file has one on each line.
        return _items(value.replace("\n", ",")) if isinstance(value, str) else value

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            return tuple(ip_network(item, strict=False) for item in _items(value))
        except ValueError:
            raise ValueError("must list networks such as 10.0.0.0/8") from None

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        if any(origin != "*" and not _ORIGIN.match(origin) for origin in origins):
            raise ValueError("must list origins such as https://chat.example.org, or *")
        return origins

    @field_validator("store_url")
    @classmethod
    def _store(cls, url: str) -> str:
        sqlite = url == "sqlite://:memory:" or (url.startswith("sqlite:///") and len(url) > 10)
        if not (sqlite or _MONGODB_URL.match(url)):
            raise ValueError("must be sqlite:///PATH, sqlite://:memory: or mongodb://…")
        return url

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, url: str) -> str:
        if url and not _REDIS_URL.match(url):
            raise ValueError("must be redis://, rediss://, redis+sentinel:// or redis+cluster://…")
        return url

    @field_validator("jwt_secret")
    @classmethod
    def _secret(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(secret.get_secret_value().encode()) < MIN_SECRET_BYTES:
            raise ValueError(f"must have at least {MIN_SECRET_BYTES} bytes")
        return secret

    @field_validator("jwt_previous_secrets")
    @classmethod
    def _secrets(cls, secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for secret in secrets:
            cls._secret(secret)
        return secrets

    @field_validator("oidc_issuer", "oidc_jwks_url")
    @classmethod
    def _issuer(cls, url: str | None) -> str | None:
        if url is not None and not is_absolute(url):
            raise ValueError("must be a URL such as https://login.example.org/realm")
        return url

    @field_validator("affinity_cookie")
    @classmethod
    def _cookie(cls, name: str) -> str:
        if name and not _COOKIE.match(name):
            raise ValueError("must be the name of a cookie, such as WHATCHAT")
        return name

    @field_validator("admin_url")
    @classmethod
    def _admin(cls, url: str | None) -> str | None:
        if url is not None and not is_absolute(url):
            raise ValueError("must be a URL such as http://127.0.0.1:8000")
        return url

    @field_validator("otlp_endpoint")
    @classmethod
    def _collector(cls, url: str | None) -> str | None:
        # Without TLS as well: inside a cluster that is the rule, and nothing private is in it.
        if url is not None and not (is_absolute(url) and has_a_port(url)):
            raise ValueError("must be a URL such as http://collector:4318")
        return url

    @field_validator("otlp_headers")
    @classmethod
    def _collector_headers(cls, headers: SecretStr | None) -> SecretStr | None:
        if headers is not None:
            _headers(headers.get_secret_value())
        return headers

    @field_validator("jwt_keys_dir")
    @classmethod
    def _keys(cls, folder: Path | None) -> Path | None:
        if folder is not None and not folder.is_dir():
            raise ValueError("must be a folder")
        return folder

    @field_validator("audit_heads_file")
    @classmethod
    def _heads_file(cls, path: Path | None) -> Path | None:
        if path is not None and (path.is_dir() or not path.parent.is_dir()):
            raise ValueError("must be a file in a folder that exists")
        return path

    @model_validator(mode="after")
    def _one_kind_of_key(self) -> Self:
        if self.jwt_secret is not None and self.jwt_keys_dir is not None:
            raise ValueError(
                "WHATCHAT_JWT_SECRET: set either this or WHATCHAT_JWT_KEYS_DIR, not both"
            )
        return self

    @model_validator(mode="after")
    def _issuer_as_a_whole(self) -> Self:
        if self.oidc_issuer is not None and self.oidc_audience is None:
            raise ValueError("WHATCHAT_OIDC_AUDIENCE: needed with WHATCHAT_OIDC_ISSUER")
        for name in ("oidc_audience", "oidc_jwks_url"):
            if self.oidc_issuer is None and getattr(self, name) is not None:
                raise ValueError(f"{PREFIX}{name.upper()}: needs WHATCHAT_OIDC_ISSUER")
        for name in ("oidc_issuer", "oidc_jwks_url"):
            url = getattr(self, name)
            if url and not is_private(url, loopback=self.env == "development"):
                raise ValueError(f"{PREFIX}{name.upper()}: must begin with https://")
        return self

    @model_validator(mode="after")
    def _one_token_for_each_scope(self) -> Self:
        if self.admin_read_token is not None and self.admin_read_token == self.admin_token:
            raise ValueError("WHATCHAT_ADMIN_READ_TOKEN: must differ from WHATCHAT_ADMIN_TOKEN")
        return self

    @model_validator(mode="after")
    def _fit_for_production(self) -> Self:
        if self.env != "production":
            return self
        if self.jwt_secret is None and self.jwt_keys_dir is None:
            raise ValueError("WHATCHAT_JWT_SECRET: production needs a secret or keys of its own")
        if "*" in self.cors_origins:
            raise ValueError("WHATCHAT_CORS_ORIGINS: production does not accept *")
        if not self.redis_url:
            raise ValueError("WHATCHAT_REDIS_URL: production does not run on the in-process broker")
        return self


def load_settings(**overrides: Any) -> Settings:
    """The settings of this process. Raises :class:`BadSetting` naming what is wrong."""
    try:
        from_files = secrets_from_files(os.environ, SECRETS, prefix=PREFIX)
    except ValueError as error:
        raise BadSetting(str(error)) from None
    try:
        return Settings(**(from_files | overrides))
    except ValidationError as error:
        raise BadSetting(_line(error)) from None


def _items(value: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in value.split(",") if item.strip())


def _headers(text: str) -> dict[str, str]:
    """Names and values of ``name=value,…``, values with ``%`` as in OTEL_EXPORTER_OTLP_HEADERS."""
    headers = {}
    for item in _items(text.replace("\n", ",")):
        found = _HEADER.match(item)
        value = unquote(found[2]) if found else ""
        if found is None or not value.isprintable() or not value.isascii():
            raise ValueError("must list headers such as api-key=VALUE,tenant=NAME")
        headers[found[1].lower()] = value
    return headers


def _line(error: ValidationError) -> str:
    return "; ".join(_complaint(detail) for detail in error.errors(include_input=False))


def _complaint(detail: Mapping[str, Any]) -> str:
    text = str(detail["msg"]).removeprefix("Value error, ")
    return f"{PREFIX}{str(detail['loc'][0]).upper()}: {text}" if detail["loc"] else text
