"""Who may speak with whom: every pair of places, asked of the policies as a cluster reads them."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import pytest

from tests.chart.helm import Object, render, the
from tests.chart.network import Flow, Network, Place

HTTP, INTERNAL, MONGODB, REDIS = 8000, 9000, 27017, 6379

MONITORING: Final = Place({"app": "prometheus"}, "monitoring")
CONTROLLER: Final = Place({"app": "controller"}, "ingress")
NEIGHBOUR: Final = Place({"app": "else"}, "chat")
STRANGER: Final = Place({"app": "else"}, "elsewhere")
NAMES: Final = Place({"k8s-app": "kube-dns"}, "kube-system")
OUTSIDE: Final = Place(address="203.0.113.7")

YOURS: Final = {
    "mongodb": {"enabled": False, "url": "mongodb://u:p@db-1:27018,db-2/whatchat?replicaSet=a"},
    "redis": {"enabled": False, "url": "redis+sentinel://:p@s-1:26379,s-2:26379/master/0"},
}


def pod(objects: Sequence[Object], kind: str, name: str) -> Place:
    labels = the(objects, kind, name)["spec"]["template"]["metadata"]["labels"]
    return Place(labels, "chat", "10.0.0.9")


@cache
def trial() -> Sequence[Object]:
    return render()


def places(objects: Sequence[Object]) -> dict[str, Place]:
    found = {
        "server": pod(objects, "Deployment", "whatchat"),
        "worker": pod(objects, "Deployment", "whatchat-worker"),
        "monitoring": MONITORING,
        "controller": CONTROLLER,
        "neighbour": NEIGHBOUR,
        "stranger": STRANGER,
        "outside": OUTSIDE,
        "test": Place(
            {
                "app.kubernetes.io/name": "whatchat",
                "app.kubernetes.io/instance": "whatchat",
                "app.kubernetes.io/component": "test",
            },
            "chat",
        ),
    }
    for store in ("mongodb", "redis"):
        if any(each["kind"] == "StatefulSet" for each in objects):
            found[store] = pod(objects, "StatefulSet", f"whatchat-{store}")
    return found


ALLOWED: Final[Mapping[tuple[str, int], frozenset[str]]] = {
    ("server", HTTP): frozenset({"monitoring", "controller", "neighbour", "stranger", "outside"})
    | {"test"},
    ("server", INTERNAL): frozenset({"monitoring", "test"}),
    ("worker", INTERNAL): frozenset({"monitoring", "test"}),
    ("worker", HTTP): frozenset(),
    ("mongodb", MONGODB): frozenset({"server", "worker", "mongodb"}),
    ("mongodb", INTERNAL): frozenset(),
    ("redis", REDIS): frozenset({"server", "worker"}),
    ("redis", MONGODB): frozenset(),
    ("outside", 443): frozenset({"monitoring", "controller", "neighbour", "stranger"})
    | {"outside", "test"},
    ("neighbour", 80): frozenset({"monitoring", "controller", "neighbour", "stranger"})
    | {"outside", "test"},
}
"""Of all places, those that reach a port of one; those that are not ours are as open as ever."""


@pytest.mark.parametrize(("target", "port"), ALLOWED, ids=str)
def test_the_trial_installation_lets_through_what_it_needs_and_nothing_else(
    target: str, port: int
) -> None:
    network, known = Network(trial()), places(trial())
    reach = {
        name for name, place in known.items() if network.lets(Flow(place, known[target], port))
    }
    assert reach == ALLOWED[target, port]


@pytest.mark.parametrize(
    ("name", "may_ask"), [("server", True), ("worker", True), ("mongodb", True), ("redis", False)]
)
def test_names_are_looked_up_by_both_protocols(name: str, may_ask: bool) -> None:
    network, source = Network(trial()), places(trial())[name]
    for protocol in ("UDP", "TCP"):
        assert network.lets(Flow(source, NAMES, 53, protocol)) is may_ask
    assert not network.lets(Flow(source, NAMES, 443))


def let_out(values: Mapping[str, Any], source: str, *ports: int) -> list[int]:
    """Which of these ports outside are reached."""
    objects = render(values)
    network, place = Network(objects), places(objects)[source]
    return [port for port in ports if network.lets(Flow(place, OUTSIDE, port))]


def test_stores_of_yours_are_reached_by_the_ports_of_their_urls() -> None:
    ports = (MONGODB, 27018, 27019, REDIS, 26379, 443, 4318)
    expected = [MONGODB, 27018, REDIS, 26379]
    assert let_out(YOURS, "server", *ports) == expected
    assert let_out(YOURS, "worker", *ports) == expected


def test_stores_of_yours_are_reached_where_and_how_you_say() -> None:
    only = [{"ipBlock": {"cidr": "10.1.0.0/16"}}]
    policy = {"storeTo": only, "storePorts": [27020], "redisTo": only, "redisPorts": [6380]}
    objects = render({**YOURS, "networkPolicy": policy})
    network, server = Network(objects), places(objects)["server"]
    inside = Place(address="10.1.2.3")
    for port, reached in ((27020, True), (6380, True), (MONGODB, False), (REDIS, False)):
        assert network.lets(Flow(server, inside, port)) is reached
        assert not network.lets(Flow(server, OUTSIDE, port))


def test_the_collector_and_the_issuer_are_reached_if_there_are_any() -> None:
    config = {
        "tracing": {"endpoint": "http://collector.observability:4318"},
        "oidc": {
            "issuer": "https://id.example.org/realms/x",
            "audience": "chat",
            "jwksUrl": "https://keys.example.org:8443/jwks",
        },
    }
    assert let_out({}, "server", 4318, 443, 8443, 80) == []
    assert let_out({"config": config}, "server", 4318, 443, 8443, 80) == [4318, 443, 8443]
    assert let_out({"config": config}, "worker", 4318, 443, 8443, 80) == [4318]


def test_the_chat_may_be_the_controllers_alone() -> None:
    ingress = [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}},
            "podSelector": {"matchLabels": {"app": "controller"}},
        }
    ]
    objects = render({"networkPolicy": {"ingressFrom": ingress, "metricsFrom": []}})
    network, known = Network(objects), places(objects)
    server = known["server"]
    reach = {name for name, one in known.items() if network.lets(Flow(one, server, HTTP))}
    assert reach == {"controller", "test"}
    reach = {name for name, one in known.items() if network.lets(Flow(one, server, INTERNAL))}
    assert reach == {"test"}


def test_further_rules_are_added() -> None:
    policy = {
        "extraIngress": [{"from": [{"podSelector": {"matchLabels": {"app": "else"}}}]}],
        "extraEgress": [{"ports": [{"port": 2525}]}],
    }
    objects = render({"networkPolicy": policy})
    network, known = Network(objects), places(objects)
    assert network.lets(Flow(NEIGHBOUR, known["server"], INTERNAL))
    assert not network.lets(Flow(STRANGER, known["server"], INTERNAL))
    for name in ("server", "worker"):
        assert network.lets(Flow(known[name], OUTSIDE, 2525))


def test_every_pod_that_stays_is_shut_both_ways() -> None:
    policies = [each for each in trial() if each["kind"] == "NetworkPolicy"]
    assert {each["metadata"]["name"] for each in policies} == {
        "whatchat",
        "whatchat-worker",
        "whatchat-mongodb",
        "whatchat-redis",
    }
    assert {tuple(each["spec"]["policyTypes"]) for each in policies} == {("Ingress", "Egress")}


def test_there_are_none_where_they_are_switched_off() -> None:
    objects = render({"networkPolicy": {"enabled": False}})
    assert "NetworkPolicy" not in {each["kind"] for each in objects}
