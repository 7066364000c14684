"""What is secret is in Secrets alone, made up once, kept, or brought along."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import yaml

from tests.chart.helm import CHART, RENDER_SECONDS, Object, program, read, render, secret, the
from tests.chart.kubernetes_api import kubernetes_api

GIVEN: dict[str, Any] = {
    "secrets": {
        "jwtSecret": "given-secret-of-at-least-32-characters",
        "jwtPreviousSecrets": ["given-before-that-and-also-32-long"],
        "adminToken": "given-admin-token",
        "adminReadToken": "given-read-token",
        "otlpHeaders": "api-key=given-key",
    },
    "config": {"tracing": {"endpoint": "http://collector:4318"}},
    "mongodb": {"enabled": False, "url": "mongodb://chat:given-password@db/whatchat"},
    "redis": {"enabled": False, "url": "rediss://:given-password@cache:6379"},
}

MADE_UP = {
    "whatchat": {"jwt-secret": "s" * 64},
    "whatchat-mongodb": {"password": "p" * 32, "key": "k" * 64},
    "whatchat-redis": {"password": "r" * 32},
}


def upgraded(
    held: Mapping[str, Mapping[str, str]], values: Mapping[str, Any] | None = None
) -> list[Object]:
    """What Helm renders for a cluster that already holds these Secrets."""
    with kubernetes_api(render(), held) as address:
        done = subprocess.run(
            [
                *(program("helm"), "template", "whatchat", CHART, "--namespace", "chat"),
                *("--dry-run=server", "--disable-openapi-validation"),
                *("--kube-apiserver", address, "--values", "-"),
            ],
            check=False,
            capture_output=True,
            input=yaml.safe_dump(dict(values or {})),
            text=True,
            timeout=RENDER_SECONDS,
        )
    assert done.returncode == 0, done.stderr
    return list(read(done.stdout))


def test_what_was_made_up_is_kept_over_upgrades() -> None:
    objects = upgraded(MADE_UP)
    assert secret(objects, "whatchat") == MADE_UP["whatchat"]
    mongodb, redis = secret(objects, "whatchat-mongodb"), secret(objects, "whatchat-redis")
    assert mongodb.items() >= MADE_UP["whatchat-mongodb"].items()
    assert mongodb["url"].startswith(f"mongodb://whatchat:{'p' * 32}@")
    assert redis["password.conf"] == f"requirepass {'r' * 32}\n"
    assert redis["url"].startswith(f"redis://:{'r' * 32}@")


def test_what_is_given_counts_for_more_than_what_is_kept() -> None:
    values = {"secrets": {"jwtSecret": "another-secret-of-32-characters-or-so"}}
    assert secret(upgraded(MADE_UP, values), "whatchat") == {
        "jwt-secret": "another-secret-of-32-characters-or-so"
    }


def digest(objects: Sequence[Object]) -> str:
    """What tells pods that a secret is another now."""
    template = the(objects, "Deployment", "whatchat")["spec"]["template"]
    found: str = template["metadata"]["annotations"]["checksum/secrets"]
    return found


def test_a_given_secret_makes_new_pods_and_cannot_be_guessed_from_them() -> None:
    given, other = ({"secrets": {"adminToken": token}} for token in ("a-token", "another"))
    first = digest(upgraded(MADE_UP, given))
    assert digest(upgraded(MADE_UP, given)) == first
    assert digest(upgraded(MADE_UP, other)) != first
    kept = {"whatchat": {"jwt-secret": "t" * 64}}
    assert digest(upgraded(kept, given)) != first, "who has the token could tell that it is"


def test_what_is_made_up_is_the_same_in_the_secret_and_in_what_depends_on_it() -> None:
    installed = render({"secrets": {"adminToken": "a-token"}})
    held = {"whatchat": secret(installed, "whatchat")}
    assert digest(upgraded(held, {"secrets": {"adminToken": "a-token"}})) == digest(installed)


def test_no_digest_is_made_of_secrets_that_are_made_up_or_elsewhere() -> None:
    for values in ({}, {"secrets": {"jwtKeysSecret": "keys", "adminToken": "a-token"}}):
        with pytest.raises(KeyError):
            digest(render(values))


def test_what_is_made_up_is_long_and_never_the_same() -> None:
    first, second = secret(render(), "whatchat"), secret(render({"extraObjects": []}), "whatchat")
    assert first.keys() == {"jwt-secret"}
    assert len(first["jwt-secret"]) == 64
    assert first != second


def test_what_outlives_the_release_keeps_its_secret() -> None:
    objects = render()
    kept = {
        each["metadata"]["name"]
        for each in objects
        if each["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep"
    }
    assert kept == {"whatchat", "whatchat-mongodb"}


def test_what_is_given_is_in_the_secret_alone() -> None:
    objects = render(GIVEN)
    assert secret(objects, "whatchat") == {
        "jwt-secret": "given-secret-of-at-least-32-characters",
        "jwt-previous-secrets": "given-before-that-and-also-32-long",
        "admin-token": "given-admin-token",
        "admin-read-token": "given-read-token",
        "otlp-headers": "api-key=given-key",
        "store-url": "mongodb://chat:given-password@db/whatchat",
        "redis-url": "rediss://:given-password@cache:6379",
    }
    others = [each for each in objects if each["kind"] != "Secret"]
    assert "given-" not in json.dumps(others)


@pytest.mark.parametrize("deployment", ["whatchat", "whatchat-worker"])
def test_a_secret_of_ones_own_is_read_in_place_of_the_charts(deployment: str) -> None:
    objects = render(
        {
            "secrets": {"existingSecret": "of-my-own"},
            "mongodb": {"enabled": False},
            "redis": {"enabled": False},
        }
    )
    assert not [each for each in objects if each["kind"] == "Secret"]
    spec = the(objects, "Deployment", deployment)["spec"]["template"]["spec"]
    for container in (*spec["initContainers"], *spec["containers"]):
        keys = {
            each["valueFrom"]["secretKeyRef"]["key"]: each["valueFrom"]["secretKeyRef"]
            for each in container["env"]
        }
        assert {reference["name"] for reference in keys.values()} == {"of-my-own"}
        needed = {key for key, reference in keys.items() if not reference.get("optional")}
        assert needed == {"store-url", "redis-url", "jwt-secret"}
        assert keys.keys() - needed == {
            "jwt-previous-secrets",
            "admin-token",
            "admin-read-token",
            "otlp-headers",
        }
