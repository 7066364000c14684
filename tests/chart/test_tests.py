"""``helm test`` and NOTES.txt: what they ask is what the command knows, where people come by."""

import re
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pytest
import typer
import yaml

from tests.chart.helm import CHART, Object, program, render, the
from whatchat.__main__ import app

INGRESS: Final = {"enabled": True, "preset": "haproxy", "hosts": ["chat.example.org"]}
TLS: Final = [{"secretName": "chat-tls", "hosts": ["chat.example.org"]}]


def pods(objects: Sequence[Object]) -> list[Object]:
    """The pods of ``helm test``, in the order in which they run."""
    found = [each for each in objects if each["kind"] == "Pod"]
    return sorted(found, key=lambda pod: int(pod["metadata"]["annotations"]["helm.sh/hook-weight"]))


def arguments(pod: Object) -> list[str]:
    (container,) = pod["spec"]["containers"]
    found: list[str] = container["args"]
    return found


def option(pod: Object, name: str) -> str:
    given = arguments(pod)
    return given[given.index(name) + 1]


@pytest.mark.parametrize("values", [{}, {"ingress": INGRESS}, {"tests": {"url": "http://chat"}}])
def test_the_command_takes_what_the_pods_give_it(values: Mapping[str, Any]) -> None:
    command = typer.main.get_command(app)
    for pod in pods(render(values)):
        name, *rest = arguments(pod)
        below = command.commands[name]  # type: ignore[attr-defined] # it is a group
        with below.make_context(name, list(rest)) as context:
            assert pod["metadata"]["name"] == f"whatchat-test-{context.params['only']}"


def test_every_pod_is_asked_by_its_own_address_once_the_rest_waits() -> None:
    objects = render()
    health, message = pods(objects)
    headless = the(objects, "Service", "whatchat-headless")
    internal = {port["name"]: port["port"] for port in headless["spec"]["ports"]}["internal"]
    for pod in (health, message):
        assert option(pod, "--pods") == "whatchat-headless"
    assert option(health, "--internal-port") == str(internal)
    assert option(health, "--url") == "http://whatchat.chat.svc.cluster.local:80"
    assert health["spec"]["activeDeadlineSeconds"] > int(option(health, "--wait"))
    assert {pod["metadata"]["annotations"]["helm.sh/hook"] for pod in pods(objects)} == {"test"}


def test_no_service_takes_the_pods_of_tests_in() -> None:
    objects = render()
    for service in (each for each in objects if each["kind"] == "Service"):
        for pod in pods(objects):
            selector = service["spec"]["selector"].items()
            assert not selector <= pod["metadata"]["labels"].items()


@pytest.mark.parametrize(
    ("values", "url"),
    [
        ({"ingress": INGRESS}, "http://chat.example.org"),
        ({"ingress": {**INGRESS, "tls": TLS}}, "https://chat.example.org"),
        (
            {
                "httpRoute": {
                    "enabled": True,
                    "hostnames": ["chat.example.org"],
                    "parentRefs": [{"name": "public", "sectionName": "https"}],
                }
            },
            "https://chat.example.org",
        ),
        ({"service": {"sessionAffinity": "ClientIP"}}, "http://whatchat.chat.svc.cluster.local:80"),
        ({"service": {"type": "LoadBalancer"}}, "http://whatchat.chat.svc.cluster.local:80"),
        ({"ingress": INGRESS, "tests": {"url": "https://inside"}}, "https://inside"),
    ],
)
def test_polling_is_tried_where_people_come_by(values: Mapping[str, Any], url: str) -> None:
    polling = the(render(values), "Pod", "whatchat-test-polling")
    assert option(polling, "--url") == url


def test_polling_is_not_tried_where_nothing_is_sticky_or_nobody_can_tell_where() -> None:
    wildcard = {**INGRESS, "hosts": ["*.example.org"]}
    for values in ({}, {"ingress": wildcard}):
        assert len(pods(render(values))) == 2


def test_there_are_no_tests_where_they_are_switched_off() -> None:
    assert pods(render({"tests": {"enabled": False}})) == []


def test_the_accounts_of_tests_are_the_same_each_time() -> None:
    message = the(render(), "Pod", "whatchat-test-message")
    (variable,) = message["spec"]["containers"][0]["env"]
    assert variable["name"] == "WHATCHAT_JWT_SECRET"
    assert variable["valueFrom"]["secretKeyRef"]["name"] == "whatchat"


def notes(values: Mapping[str, Any]) -> str:
    """What Helm says after it has installed the chart."""
    command = f"install whatchat {CHART} --namespace chat --dry-run=client --values -"
    done: subprocess.CompletedProcess[str] = subprocess.run(
        [program("helm"), *command.split()],
        check=True,
        input=yaml.safe_dump(dict(values)),
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout.partition("\nNOTES:\n")[2]


def test_notes_of_a_trial_say_that_it_is_one_and_how_to_open_it() -> None:
    said = notes({})
    assert "NOT FOR PRODUCTION" in said
    assert "kubectl -n chat port-forward service/whatchat 8000:80" in said
    assert "helm -n chat test whatchat" in said
    assert "was made up" in said
    assert "There is no admin API" in said
    assert "Nothing keeps clients on their pod" in said
    assert "prometheus-adapter" not in said
    assert len(said.splitlines()) < 40


def test_notes_of_an_installation_that_lasts_say_what_is_left_to_do() -> None:
    said = notes(
        {
            "mongodb": {"enabled": False},
            "redis": {"enabled": False},
            "secrets": {"existingSecret": "chat"},
            "ingress": {**INGRESS, "tls": TLS},
            "autoscaling": {"kind": "hpa"},
            "monitoring": {"monitor": "pod", "dashboards": {"enabled": True}},
        }
    )
    assert "NOT FOR PRODUCTION" not in said
    assert "made up" not in said
    assert "Nothing keeps clients on their pod" not in said
    assert "  https://chat.example.org\n" in said
    assert "get secret chat -o jsonpath='{.data.admin-token}'" in said
    assert "X-Forwarded-For is believed from 10.0.0.0/8" in said
    assert "whatchat-live-debug" in said
    rule = re.search(r"    custom:\n((?:      .*\n)+)", said)
    assert rule
    (read,) = yaml.safe_load(rule[1])
    assert read["seriesQuery"].startswith("whatchat_connected_sockets{")
    assert read["metricsQuery"] == "sum by (<<.GroupBy>>) (<<.Series>>{<<.LabelMatchers>>})"
