"""What is secret is in a Secret and nowhere else."""

import base64
import re
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import urlsplit

import yaml

from tests.chart.helm import Object
from tests.chart.workloads import each_container, of_kind

CREDENTIALS: Final = re.compile(r"[a-z+]+://[^\s/@\"']*:[^\s/@\"']+@")
SECRET_NAME: Final = re.compile(
    r"(SECRET|SECRETS|TOKEN|PASSWORD|CREDENTIALS|_KEY|STORE_URL|REDIS_URL|HEADERS)$"
)
SHORTEST: Final = 8

_DUMPER: Final = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""The same as ``safe_dump``, ten times as fast where libyaml is there."""


def secrets_are_in_secrets_alone(objects: Sequence[Object]) -> Iterator[str]:
    secrets = sorted(set(_secrets(objects)))
    for found in objects:
        if found["kind"] == "Secret":
            continue
        name = f"{found['kind']} {found['metadata']['name']}"
        text = yaml.dump(found, Dumper=_DUMPER, width=10**6)
        if any(secret in text for secret in secrets):
            yield f"{name} contains what a Secret holds"
        if CREDENTIALS.search(text):
            yield f"{name} contains a URL with a password"


def secret_variables_are_referred_to(objects: Sequence[Object]) -> Iterator[str]:
    for name, _, container in each_container(objects):
        for variable in container.get("env", []):
            if "value" in variable and SECRET_NAME.search(variable["name"]):
                yield f"{name}: {variable['name']} is written out"
    for found in of_kind(objects, "ConfigMap"):
        for key in found.get("data") or {}:
            if key.isupper() and SECRET_NAME.search(key):
                yield f"ConfigMap {found['metadata']['name']}: {key} is no secret there"


def secrets_say_nothing_beside(objects: Sequence[Object]) -> Iterator[str]:
    for found in of_kind(objects, "Secret"):
        text = yaml.dump(found["metadata"], Dumper=_DUMPER)
        if any(secret in text for secret in _secrets([found])):
            yield f"Secret {found['metadata']['name']}: its metadata contain what it holds"


def _secrets(objects: Sequence[Object]) -> Iterator[str]:
    """Every value of every Secret, and the password of each that is a URL."""
    for found in of_kind(objects, "Secret"):
        encoded = [base64.b64decode(each).decode() for each in (found.get("data") or {}).values()]
        for value in (*encoded, *(found.get("stringData") or {}).values()):
            for part in (value, urlsplit(value).password if "://" in value else None):
                if part and len(part) >= SHORTEST:
                    yield part
