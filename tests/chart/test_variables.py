"""Every setting of the product can be set in the chart, within the settings' own bounds."""

import json
from typing import Any

import pytest

from tests.chart.helm import CHART, Object, Refused, render, render_text, secret, the
from whatchat.settings import PREFIX, Settings, load_settings

NOT_IN_THE_CHART = {
    "admin_url": "it is for `whatchat admin`, which finds the pod that it runs in by itself",
}
"""Settings that no value gives, and why."""

NUMBERS = sorted(
    name for name, field in Settings.model_fields.items() if field.annotation in {int, float}
)

OF_THEIR_OWN = {"audit_head_seconds": "audit.headSeconds", "trace_ratio": "tracing.ratio"}
"""Numbers that are not beneath ``config`` by their own name."""

EVERYTHING: dict[str, Any] = {
    "config": {
        "env": "development",
        "corsOrigins": ["https://chat.example.org", "https://www.example.org"],
        "trustedProxies": ["192.0.2.0/24", "2001:db8::/32"],
        "maxPayloadBytes": 16777216,
        "connectionsPerAddress": 1000000000,
        "rateLimits": False,
        "anomalyRules": '[refresh-reuse]\naction = "ban"\n',
        "oidc": {
            "issuer": "https://login.example.org",
            "audience": "chat",
            "jwksUrl": "https://login.example.org/keys",
            "algorithms": ["ES256", "EdDSA"],
        },
        "audit": {"headsFile": "/var/heads/heads.jsonl", "headSeconds": 5},
        "tracing": {"endpoint": "http://collector.observability:4318", "ratio": 0.00005},
    },
    "secrets": {
        "jwtPreviousSecrets": [
            "previous-secret-of-32-characters",
            "an-earlier-one-of-32-characters-",
        ],
        "adminToken": 'one with "quotes" and $(names)',
        "adminReadToken": "another",
        "otlpHeaders": "api-key=abc,tenant=a%2Cb",
        "auditKeySecret": "audit-key",
    },
    "server": {
        "extraVolumes": [{"name": "heads", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "heads", "mountPath": "/var/heads"}],
    },
}
"""Everything that can be given at once."""

IN_FILES = {"jwt_keys_dir", "audit_key_file", "audit_heads_file", "anomaly_rules"}


def environment(objects: list[Object], deployment: str = "whatchat") -> dict[str, str]:
    """What the container's environment is, as the kubelet makes it up."""
    pod = the(objects, "Deployment", deployment)["spec"]["template"]["spec"]["containers"][0]
    found: dict[str, str] = {}
    for source in pod["envFrom"]:
        found |= the(objects, "ConfigMap", source["configMapRef"]["name"])["data"]
    for variable in pod["env"]:
        if "value" in variable:
            found[variable["name"]] = variable["value"]
            continue
        reference = variable["valueFrom"]["secretKeyRef"]
        held = secret(objects, reference["name"])
        if reference["key"] in held or not reference.get("optional"):
            found[variable["name"]] = held[reference["key"]]
    return found


def settings_of(found: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in found.items():
        if name.removeprefix(PREFIX).lower() not in IN_FILES:
            monkeypatch.setenv(name, value)
    return load_settings()


def test_every_setting_can_be_given_or_is_left_out_for_a_reason() -> None:
    given = set(environment(render(EVERYTHING)))
    given |= environment(render({"secrets": {"jwtKeysSecret": "keys"}})).keys()
    settings = {
        PREFIX + name.upper() for name in Settings.model_fields if name not in NOT_IN_THE_CHART
    }
    assert settings - given == set()


def test_the_default_values_are_the_settings_own(monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings_of(environment(render()), monkeypatch)
    assert found.env == "production"
    assert found.internal_port == 9000
    own = Settings.model_fields
    others = ("cors_origins", "rate_limits", "oidc_issuer", "otlp_endpoint")
    for name in {*NUMBERS, *others} - {"internal_port"}:
        assert getattr(found, name) == own[name].default, name


def test_what_is_given_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings_of(environment(render(EVERYTHING)), monkeypatch)
    assert found.env == "development"
    assert found.cors_origins == ("https://chat.example.org", "https://www.example.org")
    assert [str(network) for network in found.trusted_proxies] == ["192.0.2.0/24", "2001:db8::/32"]
    assert found.max_payload_bytes == 16 * 1024 * 1024
    assert found.connections_per_address == 1_000_000_000
    assert found.rate_limits == "off"
    assert found.oidc_issuer == "https://login.example.org"
    assert found.oidc_audience == "chat"
    assert found.oidc_jwks_url == "https://login.example.org/keys"
    assert found.oidc_algorithms == ("ES256", "EdDSA")
    assert found.audit_head_seconds == 5
    assert found.otlp_endpoint == "http://collector.observability:4318"
    assert found.trace_ratio == 0.00005
    assert found.collector_headers == {"api-key": "abc", "tenant": "a,b"}
    assert found.admin_token is not None
    assert found.admin_token.get_secret_value() == 'one with "quotes" and $(names)'
    assert len(found.jwt_previous_secrets) == 2


def test_files_are_where_the_variables_say() -> None:
    objects = render(EVERYTHING | {"secrets": {"jwtKeysSecret": "keys", "auditKeySecret": "audit"}})
    found = environment(objects)
    for deployment in ("whatchat", "whatchat-worker"):
        pod = the(objects, "Deployment", deployment)["spec"]["template"]["spec"]
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        mounted = {each["mountPath"]: each["name"] for each in pod["containers"][0]["volumeMounts"]}
        keys = volumes[mounted[found["WHATCHAT_JWT_KEYS_DIR"]]]["secret"]
        assert keys == {"secretName": "keys", "defaultMode": 0o440}
        folder, _, name = found["WHATCHAT_AUDIT_KEY_FILE"].rpartition("/")
        assert volumes[mounted[folder]]["secret"]["secretName"] == "audit"
        assert name == "key.pem"
        folder, _, name = found["WHATCHAT_ANOMALY_RULES"].rpartition("/")
        rules = the(objects, "ConfigMap", volumes[mounted[folder]]["configMap"]["name"])["data"]
        assert rules[name].strip() == EVERYTHING["config"]["anomalyRules"].strip()
    assert mounted.keys() == {
        "/etc/whatchat/keys",
        "/etc/whatchat/audit",
        "/etc/whatchat/anomalies",
    }
    assert "WHATCHAT_JWT_SECRET" not in found
    assert "WHATCHAT_AUDIT_HEADS_FILE" not in environment(objects, "whatchat-worker")


@pytest.mark.parametrize("name", [name for name in NUMBERS if name != "internal_port"])
def test_a_number_has_the_settings_bounds(name: str) -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())["$defs"]["config"]
    first, *words = name.split("_")
    for part in OF_THEIR_OWN.get(name, first + "".join(map(str.title, words))).split("."):
        schema = schema["properties"][part]
    bounds = {
        kind: getattr(bound, kind)
        for bound in Settings.model_fields[name].metadata
        for kind in ("ge", "le")
        if hasattr(bound, kind)
    }
    said = {"ge": schema.get("minimum"), "le": schema.get("maximum")}
    assert {kind: bound for kind, bound in said.items() if bound is not None} == bounds


@pytest.mark.parametrize(
    ("values", "at"),
    [
        ({"config": {"drainSeconds": 3601}}, "/config/drainSeconds"),
        ({"config": {"drainSecond": 30}}, "'drainSecond' not allowed"),
        ({"config": {"trustedProxies": ["proxies.example.org"]}}, "/config/trustedProxies"),
        (
            {"config": {"corsOrigins": ["https://a.example.org,https://b.example.org"]}},
            "/corsOrigins/0",
        ),
        ({"secrets": {"jwtSecret": "too-short"}}, "/secrets/jwtSecret"),
        ({"image": {"tag": "latest"}}, "/image/tag"),
        ({"server": {"pdb": {"maxUnavailable": 0}}}, "/server/pdb/maxUnavailable"),
        ({"server": {"maxSurge": "0%"}}, "/server/maxSurge"),
        ({"server": {"preStopSeconds": 0}}, "/server/preStopSeconds"),
        ({"worker": {"replica": 2}}, "'replica' not allowed"),
    ],
)
def test_a_wrong_value_is_refused_by_its_path(values: dict[str, Any], at: str) -> None:
    with pytest.raises(Refused) as refused:
        render_text(values)
    assert at in str(refused.value)


@pytest.mark.parametrize(
    ("values", "networks"),
    [
        ({}, 5),
        ({"service": {"type": "LoadBalancer"}}, 0),
        ({"service": {"type": "LoadBalancer"}, "config": {"trustedProxies": ["10.0.0.0/8"]}}, 1),
        ({"config": {"trustedProxies": []}}, 0),
    ],
)
def test_private_networks_are_believed_behind_an_ingress_alone(
    values: dict[str, Any], networks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = settings_of(environment(render(values)), monkeypatch)
    assert len(found.trusted_proxies) == networks
    assert not any(network.is_global for network in found.trusted_proxies)


@pytest.mark.parametrize(
    ("values", "cookie"),
    [
        ({}, ""),
        ({"ingress": {"enabled": True, "preset": "haproxy", "cookie": {"name": "pod"}}}, "pod"),
        (
            {
                "httpRoute": {
                    "enabled": True,
                    "parentRefs": [{"name": "public"}],
                    "sessionPersistence": {"enabled": True, "sessionName": "route"},
                }
            },
            "route",
        ),
        ({"config": {"affinityCookie": "of-a-proxy-in-front"}}, "of-a-proxy-in-front"),
    ],
)
def test_pods_know_the_cookie_that_keeps_clients_on_them(
    values: dict[str, Any], cookie: str
) -> None:
    assert environment(render(values))["WHATCHAT_AFFINITY_COOKIE"] == cookie
