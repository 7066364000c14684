"""What is wrong with objects by the schemas of their kinds, where no field is let pass unknown."""

import json
import subprocess
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import jsonschema_rs

from tests.chart.helm import ROOT, Object

VERSIONS: Final = tuple(f"1.{minor}" for minor in range(30, 38))
"""Of Kubernetes: from the oldest that the chart takes to the newest whose schemas are at hand."""

SCHEMAS: Final = Path(str(files("kubernetes_validate"))) / "kubernetes-json-schema"
CUSTOM: Final = ROOT / "tests" / "js" / "custom_resources.mjs"
CUSTOM_SECONDS: Final = 60

DEFINITIONS: Final = "https://kubernetes.io/api/_definitions.json"


def named(found: Object) -> str:
    return f"{found['kind']} {found['metadata']['name']}"


def is_custom(found: Object) -> bool:
    """Whether the object is of a kind that a cluster has to be taught."""
    return not (_folder(VERSIONS[-1]) / _file(found)).exists()


def complaints(found: Object, version: str) -> list[str]:
    """What is wrong with an object of one of Kubernetes' own kinds."""
    path = _folder(version) / _file(found)
    if not path.exists():
        return [f"Kubernetes {version} has no {found['apiVersion']} {found['kind']}"]
    errors = _validator(path).iter_errors(dict(found))
    return [f"{'/'.join(map(str, each.instance_path))}: {each.message}" for each in errors]


def custom_complaints(objects: Sequence[Object]) -> dict[str, list[str]]:
    """What is wrong with custom resources, by name; nothing where nothing is."""
    done = subprocess.run(
        ["node", CUSTOM],
        check=True,
        input=json.dumps(list(objects)),
        stdout=subprocess.PIPE,
        text=True,
        timeout=CUSTOM_SECONDS,
    )
    answers: list[list[str]] = json.loads(done.stdout)
    pairs = zip(map(named, objects), answers, strict=True)
    return {name: wrong for name, wrong in pairs if wrong}


def _folder(version: str) -> Path:
    return SCHEMAS / f"v{version}.0-local-strict"


def _file(found: Object) -> str:
    """As the validator's files are called: the API group by its first word."""
    group, _, version = found["apiVersion"].rpartition("/")
    return "-".join(filter(None, [found["kind"].lower(), group.split(".")[0], version])) + ".json"


@cache
def _validator(path: Path) -> jsonschema_rs.Draft202012Validator:
    schema = json.loads(path.read_text())
    return jsonschema_rs.Draft202012Validator(schema, registry=_registry(path.parent))


@cache
def _registry(folder: Path) -> jsonschema_rs.Registry:
    definitions: Any = json.loads((folder / "_definitions.json").read_text())
    return jsonschema_rs.Registry([(DEFINITIONS, definitions)])
