"""Ingress and HTTPRoute: each controller is told on the object that it reads."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from tests.chart.helm import Object, render, the

HOST: Final = "chat.example.org"
PREFIXES: Final = {
    "traefik": ("traefik.ingress.kubernetes.io/service.sticky.", "Service"),
    "nginx": ("nginx.org/", "Ingress"),
    "haproxy": ("haproxy.org/", "Service"),
    "ingress-nginx": ("nginx.ingress.kubernetes.io/", "Ingress"),
}


def _rendered(preset: str, **more: Any) -> list[Object]:
    ingress = {"enabled": True, "preset": preset, "hosts": [HOST]} | more
    return render({"ingress": ingress})


def _annotations(objects: list[Object], kind: str) -> Mapping[str, str]:
    found: Mapping[str, str] = the(objects, kind, "whatchat")["metadata"].get("annotations", {})
    return found


@pytest.mark.parametrize("preset", PREFIXES)
def test_settings_are_on_the_object_that_the_controller_reads(preset: str) -> None:
    objects = _rendered(preset)
    prefix, kind = PREFIXES[preset]
    (other,) = {"Service", "Ingress"} - {kind}
    assert _annotations(objects, kind)
    assert all(name.startswith(prefix) for name in _annotations(objects, kind))
    assert not _annotations(objects, other)


def test_only_the_public_service_is_told_about_stickiness() -> None:
    services = [each for each in _rendered("traefik") if each["kind"] == "Service"]
    told = {each["metadata"]["name"] for each in services if each["metadata"].get("annotations")}
    assert told == {"whatchat"}


def test_without_an_ingress_there_is_none_and_the_service_is_plain() -> None:
    objects = render({"ingress": {"preset": "traefik"}})
    assert not [each for each in objects if each["kind"] in {"Ingress", "HTTPRoute"}]
    assert not _annotations(objects, "Service")


@pytest.mark.parametrize("preset", PREFIXES)
def test_no_route_leads_to_the_internal_port(preset: str) -> None:
    rules = the(_rendered(preset), "Ingress")["spec"]["rules"]
    backends = [path["backend"]["service"] for rule in rules for path in rule["http"]["paths"]]
    assert backends == [{"name": "whatchat", "port": {"name": "http"}}]
    service = the(render(), "Service", "whatchat")
    assert [port["targetPort"] for port in service["spec"]["ports"]] == ["http"]


def test_with_tls_the_cookie_goes_over_tls_alone() -> None:
    tls = [{"secretName": "chat-tls", "hosts": [HOST]}]
    for preset, (_, kind) in PREFIXES.items():
        plain, secured = _rendered(preset), _rendered(preset, tls=tls)
        assert the(secured, "Ingress")["spec"]["tls"] == tls
        assert _secures(_annotations(secured, kind)), preset
        assert not _secures(_annotations(plain, kind)), preset


def test_what_is_given_counts_for_more_than_the_preset() -> None:
    objects = render(
        {
            "ingress": {
                "enabled": True,
                "preset": "nginx",
                "hosts": [HOST],
                "className": "public",
                "annotations": {"nginx.org/proxy-read-timeout": "7200s", "mine": "too"},
            }
        }
    )
    annotations = _annotations(objects, "Ingress")
    assert annotations["nginx.org/proxy-read-timeout"] == "7200s"
    assert annotations["nginx.org/proxy-send-timeout"] == "3600s"
    assert annotations["mine"] == "too"
    assert the(objects, "Ingress")["spec"]["ingressClassName"] == "public"


def test_the_services_own_annotations_count_for_more_than_the_preset() -> None:
    name = "haproxy.org/load-balance"
    objects = render(
        {
            "ingress": {"enabled": True, "preset": "haproxy"},
            "service": {"annotations": {name: "random"}},
        }
    )
    assert _annotations(objects, "Service")[name] == "random"
    assert "haproxy.org/cookie-persistence" in _annotations(objects, "Service")


def test_the_body_limit_follows_the_largest_packet() -> None:
    objects = render(
        {
            "config": {"maxPayloadBytes": 8 * 1024 * 1024 + 1},
            "ingress": {"enabled": True, "preset": "nginx", "hosts": [HOST]},
        }
    )
    assert _annotations(objects, "Ingress")["nginx.org/client-max-body-size"] == "8193k"


def test_a_route_leads_to_the_public_port_in_one_rule() -> None:
    route = the(render(_route()), "HTTPRoute")
    (rule,) = route["spec"]["rules"]
    assert rule["backendRefs"] == [{"name": "whatchat", "port": 80}]
    assert rule["timeouts"] == {"request": "0s", "backendRequest": "0s"}
    assert "sessionPersistence" not in rule
    assert "retry" not in rule


def test_a_route_can_keep_clients_on_their_pod() -> None:
    persistence = {"enabled": True, "idleTimeout": "2m"}
    more = {"sessionPersistence": persistence, "retry": {"codes": [503]}, "timeouts": None}
    (rule,) = the(render(_route(**more)), "HTTPRoute")["spec"]["rules"]
    assert rule["sessionPersistence"] == {
        "type": "Cookie",
        "sessionName": "whatchat",
        "idleTimeout": "2m",
        "cookieConfig": {"lifetimeType": "Session"},
    }
    assert rule["retry"] == {"codes": [503]}
    assert "timeouts" not in rule


def _route(**more: Any) -> dict[str, Any]:
    return {"httpRoute": {"enabled": True, "parentRefs": [{"name": "public"}]} | more}


def _secures(annotations: Mapping[str, str]) -> bool:
    return any(
        value == "true" if name.endswith("secure") else " secure" in value
        for name, value in annotations.items()
    )
