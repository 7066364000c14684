import re
from ipaddress import ip_network
from pathlib import Path
from typing import ClassVar

import pytest

from whatchat.settings import SECRETS, BadSetting, Settings, load_settings

ROOT = Path(__file__).parents[3]
SECRET = "s" * 32
PRODUCTION = {
    "WHATCHAT_ENV": "production",
    "WHATCHAT_JWT_SECRET": SECRET,
    "WHATCHAT_REDIS_URL": "redis://redis:6379/0",
}


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields:
        monkeypatch.delenv(f"WHATCHAT_{field.upper()}", raising=False)


def test_without_an_environment_the_defaults_hold() -> None:
    settings = load_settings()
    assert settings.store_url == "sqlite:///./data/whatchat.db"
    assert settings.sqlite_path == "./data/whatchat.db"
    assert (settings.ping_interval_ms, settings.ping_timeout_ms) == (25_000, 20_000)
    assert settings.max_payload_bytes == 65_536
    assert settings.rate_limits == "on"
    assert settings.cors_origins == ()


def test_empty_values_count_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields:
        monkeypatch.setenv(f"WHATCHAT_{field.upper()}", "")
    assert load_settings() == Settings()


@pytest.mark.parametrize(
    ("url", "path", "folder"),
    [
        ("sqlite:///data/x.db", "data/x.db", Path("data")),
        ("sqlite:////var/lib/x.db", "/var/lib/x.db", Path("/var/lib")),
        ("sqlite://:memory:", ":memory:", None),
        ("mongodb://a,b/chat?replicaSet=rs0", None, None),
    ],
)
def test_the_store_url_says_where_the_file_is(
    monkeypatch: pytest.MonkeyPatch, url: str, path: str | None, folder: Path | None
) -> None:
    monkeypatch.setenv("WHATCHAT_STORE_URL", url)
    settings = load_settings()
    assert (settings.sqlite_path, settings.data_dir) == (path, folder)


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHATCHAT_CORS_ORIGINS", "https://a.example, http://localhost:3000")
    monkeypatch.setenv("WHATCHAT_TRUSTED_PROXIES", "10.0.0.0/8, ::1")
    settings = load_settings()
    assert settings.cors_origins == ("https://a.example", "http://localhost:3000")
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WHATCHAT_STORE_URL", "postgres://x"),
        ("WHATCHAT_STORE_URL", "sqlite:///"),
        ("WHATCHAT_STORE_URL", "sqlite://data.db"),
        ("WHATCHAT_REDIS_URL", "http://x"),
        ("WHATCHAT_JWT_SECRET", "short"),
        ("WHATCHAT_JWT_KEYS_DIR", "/does/not/exist"),
        ("WHATCHAT_ENV", "staging"),
        ("WHATCHAT_CORS_ORIGINS", "https://a.example/path"),
        ("WHATCHAT_CORS_ORIGINS", "a.example"),
        ("WHATCHAT_TRUSTED_PROXIES", "proxy"),
        ("WHATCHAT_PING_INTERVAL_MS", "often"),
        ("WHATCHAT_PING_TIMEOUT_MS", "0"),
        ("WHATCHAT_MAX_PAYLOAD_BYTES", "10"),
        ("WHATCHAT_DRAIN_SECONDS", "-1"),
        ("WHATCHAT_INTERNAL_PORT", "65536"),
        ("WHATCHAT_RATE_LIMITS", "sometimes"),
        ("WHATCHAT_REBALANCE", "maybe"),
        ("WHATCHAT_REBALANCE_PER_MINUTE", "0"),
        ("WHATCHAT_AFFINITY_COOKIE", "two words"),
        ("WHATCHAT_AFFINITY_COOKIE", "POD=1; Domain=example.org"),
        ("WHATCHAT_OTLP_ENDPOINT", "collector:4318"),
        ("WHATCHAT_OTLP_ENDPOINT", "grpc://collector:4317"),
        ("WHATCHAT_OTLP_ENDPOINT", "http://user:word@collector:4318"),
        ("WHATCHAT_OTLP_ENDPOINT", "http://collector:431800"),
        ("WHATCHAT_OTLP_ENDPOINT", "http://collector:4318?key=1"),
        ("WHATCHAT_OTLP_HEADERS", "api-key"),
        ("WHATCHAT_OTLP_HEADERS", "api key=1"),
        ("WHATCHAT_OTLP_HEADERS", "api-key=a%0d%0ahost: b"),
        ("WHATCHAT_TRACE_RATIO", "often"),
        ("WHATCHAT_TRACE_RATIO", "1.01"),
        ("WHATCHAT_TRACE_RATIO", "-0.1"),
        ("WHATCHAT_TRACE_RATIO", "nan"),
    ],
)
def test_a_bad_value_is_one_line_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadSetting) as refused:
        load_settings()
    assert re.fullmatch(rf"{name}: [^\n]+", str(refused.value))


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"WHATCHAT_JWT_SECRET": ""}, "WHATCHAT_JWT_SECRET"),
        ({"WHATCHAT_CORS_ORIGINS": "*"}, "WHATCHAT_CORS_ORIGINS"),
        ({"WHATCHAT_REDIS_URL": ""}, "WHATCHAT_REDIS_URL"),
    ],
)
def test_production_refuses_what_only_suits_a_laptop(
    monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], named: str
) -> None:
    for name, value in {**PRODUCTION, **changed}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadSetting, match=f"^{named}: "):
        load_settings()


def test_production_starts_with_a_secret_and_redis(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PRODUCTION.items():
        monkeypatch.setenv(name, value)
    assert load_settings().env == "production"


def test_secret_and_keys_exclude_each_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WHATCHAT_JWT_SECRET", SECRET)
    monkeypatch.setenv("WHATCHAT_JWT_KEYS_DIR", str(tmp_path))
    with pytest.raises(BadSetting, match="WHATCHAT_JWT_KEYS_DIR"):
        load_settings()


def test_production_reaches_its_collector_without_tls_if_told_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WHATCHAT_ENV", "production")
    monkeypatch.setenv("WHATCHAT_JWT_SECRET", SECRET)
    monkeypatch.setenv("WHATCHAT_REDIS_URL", "redis://redis")
    monkeypatch.setenv("WHATCHAT_OTLP_ENDPOINT", "http://collector.observability:4318")
    assert load_settings().otlp_endpoint == "http://collector.observability:4318"


def test_headers_for_the_collector_are_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHATCHAT_OTLP_HEADERS", "api-key=a%2Cb=, X-Tenant = chat")
    assert load_settings().collector_headers == {"api-key": "a,b=", "x-tenant": "chat"}


def test_no_secret_shows_in_what_settings_print(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {
        "WHATCHAT_JWT_SECRET": "x" * 32,
        "WHATCHAT_ADMIN_TOKEN": "admin-token-value",
        "WHATCHAT_REDIS_URL": "redis://:redis-password@host",
        "WHATCHAT_STORE_URL": "mongodb://user:mongo-password@host/db",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    shown = repr(load_settings()) + str(load_settings())
    for hidden in ("x" * 32, "admin-token-value", "redis-password", "mongo-password"):
        assert hidden not in shown


def test_a_refused_secret_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHATCHAT_JWT_SECRET", "too-short-but-mine")
    with pytest.raises(BadSetting) as refused:
        load_settings()
    assert "too-short-but-mine" not in str(refused.value)


def test_the_example_lists_every_variable_with_its_default() -> None:
    text = (ROOT / ".env.example").read_text()
    listed = dict(re.findall(r"^(WHATCHAT_\w+)=(.*)$", text, re.MULTILINE))
    defaults = {
        f"WHATCHAT_{name.upper()}": "" if field.default in (None, ()) else str(field.default)
        for name, field in Settings.model_fields.items()
    }
    assert listed == defaults


def test_the_example_explains_every_variable() -> None:
    text = (ROOT / ".env.example").read_text()
    blocks = [block for block in text.split("\n\n") if "WHATCHAT_" in block.splitlines()[-1]]
    assert len(blocks) == len(Settings.model_fields)
    assert all(block.startswith("# ") for block in blocks)


class TestSecretsFromFiles:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "secret"

    @pytest.mark.parametrize("name", SECRETS)
    def test_every_secret_may_be_a_file(
        self, monkeypatch: pytest.MonkeyPatch, path: Path, name: str
    ) -> None:
        value = {
            "store_url": "mongodb://user:word@db/chat",
            "redis_url": "redis://:word@redis",
            "otlp_headers": "api-key=word",
        }.get(name, SECRET)
        path.write_text(value + "\n")
        monkeypatch.setenv(f"WHATCHAT_{name.upper()}_FILE", str(path))
        found = load_settings()
        monkeypatch.delenv(f"WHATCHAT_{name.upper()}_FILE")
        monkeypatch.setenv(f"WHATCHAT_{name.upper()}", value)
        assert found == load_settings() != Settings.model_construct()

    @pytest.mark.parametrize("end", ["", "\n", "\r\n"])
    def test_the_line_break_at_the_end_is_not_part_of_it(
        self, monkeypatch: pytest.MonkeyPatch, path: Path, end: str
    ) -> None:
        path.write_bytes(f" {SECRET} {end}".encode())
        monkeypatch.setenv("WHATCHAT_JWT_SECRET_FILE", str(path))
        secret = load_settings().jwt_secret
        assert secret is not None
        assert secret.get_secret_value() == f" {SECRET} "

    def test_previous_secrets_are_one_on_each_line(
        self, monkeypatch: pytest.MonkeyPatch, path: Path
    ) -> None:
        path.write_text(f"{'a' * 32}\n{'b' * 32}\n")
        monkeypatch.setenv("WHATCHAT_JWT_PREVIOUS_SECRETS_FILE", str(path))
        found = [one.get_secret_value() for one in load_settings().jwt_previous_secrets]
        assert found == ["a" * 32, "b" * 32]

    def test_both_are_one_too_many(self, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
        path.write_text(SECRET)
        monkeypatch.setenv("WHATCHAT_JWT_SECRET_FILE", str(path))
        monkeypatch.setenv("WHATCHAT_JWT_SECRET", SECRET)
        with pytest.raises(BadSetting, match=r"^WHATCHAT_JWT_SECRET: set either [^\n]+\Z"):
            load_settings()

    @pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe"])
    def test_a_file_that_holds_no_secret_is_one_line(
        self, monkeypatch: pytest.MonkeyPatch, path: Path, content: bytes | None
    ) -> None:
        if content is not None:
            path.write_bytes(content)
        monkeypatch.setenv("WHATCHAT_ADMIN_TOKEN_FILE", str(path))
        with pytest.raises(BadSetting, match=r"^WHATCHAT_ADMIN_TOKEN_FILE: the file [^\n]+\Z"):
            load_settings()

    def test_what_is_in_a_file_is_checked_like_any_other(
        self, monkeypatch: pytest.MonkeyPatch, path: Path
    ) -> None:
        path.write_text("too-short-but-mine")
        monkeypatch.setenv("WHATCHAT_JWT_SECRET_FILE", str(path))
        with pytest.raises(BadSetting, match=r"^WHATCHAT_JWT_SECRET: ") as refused:
            load_settings()
        assert "too-short-but-mine" not in str(refused.value)


class TestIssuer:
    ISSUER: ClassVar = {
        "WHATCHAT_OIDC_ISSUER": "https://login.example.org/realm",
        "WHATCHAT_OIDC_AUDIENCE": "chat",
    }

    @pytest.mark.parametrize(
        ("changed", "named"),
        [
            ({"WHATCHAT_OIDC_AUDIENCE": ""}, "WHATCHAT_OIDC_AUDIENCE"),
            ({"WHATCHAT_OIDC_ISSUER": ""}, "WHATCHAT_OIDC_AUDIENCE"),
            ({"WHATCHAT_OIDC_ISSUER": "login.example.org"}, "WHATCHAT_OIDC_ISSUER"),
            ({"WHATCHAT_OIDC_ISSUER": "https://login.example.org?x=1"}, "WHATCHAT_OIDC_ISSUER"),
            ({"WHATCHAT_OIDC_ISSUER": "https://me:word@login.example"}, "WHATCHAT_OIDC_ISSUER"),
            ({"WHATCHAT_OIDC_ISSUER": "http://login.example.org"}, "WHATCHAT_OIDC_ISSUER"),
            ({"WHATCHAT_OIDC_ISSUER": "http://localhost.example.org"}, "WHATCHAT_OIDC_ISSUER"),
            ({"WHATCHAT_OIDC_JWKS_URL": "file:///etc/passwd"}, "WHATCHAT_OIDC_JWKS_URL"),
            ({"WHATCHAT_OIDC_JWKS_URL": "http://10.0.0.1/jwks"}, "WHATCHAT_OIDC_JWKS_URL"),
            ({"WHATCHAT_OIDC_ALGORITHMS": "RS256,HS256"}, "WHATCHAT_OIDC_ALGORITHMS"),
            ({"WHATCHAT_OIDC_ALGORITHMS": "none"}, "WHATCHAT_OIDC_ALGORITHMS"),
        ],
    )
    def test_what_would_not_be_safe_is_refused(
        self, monkeypatch: pytest.MonkeyPatch, changed: dict[str, str], named: str
    ) -> None:
        for name, value in {**self.ISSUER, **changed}.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(BadSetting, match=rf"^{named}: [^\n]+\Z"):
            load_settings()

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
    def test_this_machine_is_trusted_in_development_alone(
        self, monkeypatch: pytest.MonkeyPatch, host: str
    ) -> None:
        changed = {"WHATCHAT_OIDC_ISSUER": f"http://{host}:8080/realm"}
        for name, value in {**self.ISSUER, **changed}.items():
            monkeypatch.setenv(name, value)
        assert load_settings().oidc_issuer == f"http://{host}:8080/realm"
        for name, value in PRODUCTION.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(BadSetting, match=r"^WHATCHAT_OIDC_ISSUER: "):
            load_settings()


def test_each_scope_of_the_admin_api_has_a_token_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WHATCHAT_ADMIN_TOKEN", "one token")
    monkeypatch.setenv("WHATCHAT_ADMIN_READ_TOKEN", "one token")
    with pytest.raises(BadSetting, match=r"\AWHATCHAT_ADMIN_READ_TOKEN: must differ"):
        load_settings()
    monkeypatch.setenv("WHATCHAT_ADMIN_READ_TOKEN", "another token")
    assert load_settings().admin_read_token is not None
