"""The real Helm, rendering the chart."""

import base64
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
CHART: Final = ROOT / "helm" / "whatchat"
PROGRAMS: Final = ROOT / ".cache" / "kubernetes"

RENDER_SECONDS: Final = 30

HURRIED: Final = {**os.environ, "GOGC": "off"}
"""What Helm needs of memory for one chart is not worth collecting."""

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The same as ``safe_load``, ten times as fast where libyaml is there."""

Object = Mapping[str, Any]
"""A Kubernetes object, as YAML gives it."""


class Refused(Exception):
    """Helm did not render; the text is what it said."""


def program(name: str) -> Path:
    """Where ``helm`` or ``kubectl`` is."""
    path = PROGRAMS / name
    if not path.exists():
        raise RuntimeError(f"{name} is missing: run `make tools`")
    return path


def render_text(
    values: Mapping[str, Any] | None = None,
    *,
    files: Sequence[Path] = (),
    release: str = "whatchat",
    namespace: str = "chat",
    kubernetes: str = "1.35.0",
    apis: Sequence[str] = (),
    template: str = "",
) -> str:
    """All objects as Helm prints them. ``values`` count for more than ``files``.

    With a ``template`` such as ``templates/ingress.yaml`` that file's objects alone. Raises
    :class:`Refused`.
    """
    command: list[str | Path] = [
        program("helm"),
        "template",
        release,
        CHART,
        "--namespace",
        namespace,
    ]
    command += ["--kube-version", kubernetes, "--values", "-"]
    for path in files:
        command[-2:-2] = ["--values", path]
    for api in apis:
        command += ["--api-versions", api]
    if template:
        command += ["--show-only", template]
    return _rendered(tuple(str(part) for part in command), yaml.safe_dump(dict(values or {})))


def render(values: Mapping[str, Any] | None = None, **how: Any) -> list[Object]:
    """The same, read: a list of objects in the order of rendering, which nobody changes."""
    return list(objects_of(render_text(values, **how)))


def read(text: str) -> Iterator[Object]:
    """The objects of a text."""
    yield from filter(None, yaml.load_all(text, _LOADER))


def the(objects: Sequence[Object], kind: str, name: str = "") -> Object:
    """The one object of a kind, and of a name where one is given."""
    found = [
        each
        for each in objects
        if each["kind"] == kind and (not name or each["metadata"]["name"] == name)
    ]
    if len(found) != 1:
        raise LookupError(f"{len(found)} objects are a {kind} {name}".rstrip())
    return found[0]


def secret(objects: Sequence[Object], name: str) -> dict[str, str]:
    """What a Secret holds, decoded."""
    held = the(objects, "Secret", name).get("data") or {}
    return {key: base64.b64decode(value).decode() for key, value in held.items()}


@lru_cache(maxsize=256)
def objects_of(text: str) -> tuple[Object, ...]:
    """The objects of a text, which nobody changes: the same text is read once."""
    return tuple(read(text))


@lru_cache(maxsize=256)
def _rendered(command: tuple[str, ...], values: str) -> str:
    """The same values are rendered once: what is made up is then the same as well."""
    done: subprocess.CompletedProcess[str] = subprocess.run(
        command,
        check=False,
        env=HURRIED,
        input=values,
        capture_output=True,
        text=True,
        timeout=RENDER_SECONDS,
    )
    if done.returncode:
        raise Refused(done.stderr)
    return done.stdout
