"""The plain manifests in ``k8s/``, made from the chart.

``base`` is what the chart renders without stores and secrets; a component is what further values
change of that: new objects, and patches of those that are there. `make k8s` makes them anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import yaml

from tests.chart.helm import ROOT, render

GENERATED: Final = ("k8s/base", "k8s/components")
DASHBOARDS: Final = "dashboards/kustomization.yaml"
"""Beside the dashboards: kustomize reads no file that is outside of a folder of its own."""
NAMESPACE: Final = "whatchat"
HEADER: Final = (
    "# Made from helm/whatchat by `make k8s`; what is to differ is said in an overlay.\n"
)

BASE: Final[Mapping[str, Any]] = {
    "config": {"affinityCookie": "whatchat"},  # the one of the ingress, which is a component
    "secrets": {"existingSecret": "whatchat"},
    "mongodb": {"enabled": False},
    "redis": {"enabled": False},
    "networkPolicy": {"enabled": False},
    "tests": {"enabled": False},
}
TLS: Final = {"secretName": "chat-tls", "hosts": ["chat.example.org"]}
COMPONENTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "autoscaling": {"autoscaling": {"kind": "hpa", "minReplicas": 3, "maxReplicas": 30}},
    "ingress": {
        "ingress": {
            "enabled": True,
            "preset": "traefik",
            "className": "traefik",
            "hosts": TLS["hosts"],
            "tls": [TLS],
        }
    },
    "monitoring": {
        "monitoring": {
            "monitor": "pod",
            "rules": {"enabled": True},
            "dashboards": {"enabled": True},
        }
    },
    "network-policies": {"networkPolicy": {"enabled": True}},
    "trial-stores": {
        "mongodb": {"enabled": True, "existingSecret": "whatchat-mongodb"},
        "redis": {"enabled": True, "existingSecret": "whatchat-redis"},
    },
}

HELMS: Final = ("helm.sh/", "app.kubernetes.io/managed-by", "meta.helm.sh/")
DIGESTS: Final = ("checksum/config", "checksum/secrets", "checksum/anomalies")
"""kustomize renews pods by the ConfigMap's name."""
STORES: Final = ("WHATCHAT_STORE_URL", "WHATCHAT_REDIS_URL")

Objects = dict[tuple[str, str], dict[str, Any]]
"""By kind and name."""


def files() -> dict[str, str]:
    """The text of each generated file, by its path."""
    base = _objects(BASE)
    made = dict(_base(base))
    for name, values in COMPONENTS.items():
        made |= _component(f"k8s/components/{name}", base, _objects({**BASE, **values}))
    return made


def drift() -> list[str]:
    """The files that are not what they would be made."""
    wanted = files()
    there = {str(path.relative_to(ROOT)): path.read_text() for path in _generated()}
    return sorted(name for name in wanted | there if wanted.get(name) != there.get(name))


def write() -> None:
    """Make them all anew."""
    wanted = files()
    for path in list(_generated()):
        path.unlink()
    for name, text in wanted.items():
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _generated() -> Iterator[Path]:
    for part in GENERATED:
        yield from (ROOT / part).rglob("*.yaml")
    yield from filter(Path.exists, [ROOT / DASHBOARDS])


def _objects(values: Mapping[str, Any]) -> Objects:
    found = {}
    for each in render(values, namespace=NAMESPACE):
        plain: dict[str, Any] = deepcopy(dict(each))
        del plain["metadata"]["namespace"]
        _strip(plain["metadata"])
        _strip(plain["spec"]["template"]["metadata"] if "template" in plain.get("spec", {}) else {})
        found[plain["kind"], plain["metadata"]["name"]] = plain
    return found


def _strip(metadata: dict[str, Any]) -> None:
    """Take out what is Helm's."""
    for field in ("labels", "annotations"):
        kept = {
            key: value
            for key, value in metadata.get(field, {}).items()
            if not key.startswith(HELMS) and key not in DIGESTS
        }
        metadata.pop(field, None)
        if kept:
            metadata[field] = kept


def _base(base: Objects) -> Iterator[tuple[str, str]]:
    config = base["ConfigMap", "whatchat"]
    plain = {_file(key): each for key, each in base.items() if each is not config}
    plain["namespace.yaml"] = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": NAMESPACE,
            "labels": {
                "app.kubernetes.io/part-of": "whatchat",
                "pod-security.kubernetes.io/enforce": "restricted",
            },
        },
    }
    yield from ((f"k8s/base/{name}", _text(each)) for name, each in plain.items())
    yield (
        "k8s/base/kustomization.yaml",
        _text(
            {
                "apiVersion": "kustomize.config.k8s.io/v1beta1",
                "kind": "Kustomization",
                "namespace": NAMESPACE,
                "resources": sorted(plain),
                "configMapGenerator": [
                    {
                        "name": "whatchat",
                        "literals": [f"{key}={value}" for key, value in config["data"].items()],
                        "options": {"labels": config["metadata"]["labels"]},
                    }
                ],
            }
        ),
    )


def _component(folder: str, base: Objects, wanted: Objects) -> Iterator[tuple[str, str]]:
    new = {key: each for key, each in wanted.items() if key not in base}
    dashboards = [each for each in new.values() if _is_dashboard(each)]
    plain = {_file(key): each for key, each in new.items() if not _is_dashboard(each)}
    content: dict[str, Any] = {
        "apiVersion": "kustomize.config.k8s.io/v1alpha1",
        "kind": "Component",
        "resources": sorted(plain),
    }
    if patches := list(_patches(base, wanted)):
        content["patches"] = patches
    if dashboards:
        content["components"] = ["../../../dashboards"]
        yield DASHBOARDS, _text(_of_dashboards(dashboards))
    yield from ((f"{folder}/{name}", _text(each)) for name, each in plain.items())
    yield f"{folder}/kustomization.yaml", _text(content)


def _is_dashboard(found: Mapping[str, Any]) -> bool:
    return found["kind"] == "ConfigMap" and all(key.endswith(".json") for key in found["data"])


def _of_dashboards(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """ConfigMaps of the files that lie beside."""
    return {
        "apiVersion": "kustomize.config.k8s.io/v1alpha1",
        "kind": "Component",
        "configMapGenerator": [
            {
                "name": each["metadata"]["name"],
                "files": [f"{key}={key.removeprefix('whatchat-')}" for key in sorted(each["data"])],
                "options": {
                    "disableNameSuffixHash": True,
                    **{field: each["metadata"][field] for field in ("labels", "annotations")},
                },
            }
            for each in found
        ],
    }


def _patches(base: Objects, wanted: Objects) -> Iterator[dict[str, Any]]:
    """What changes of the objects that are there."""
    if gone := base.keys() - wanted.keys():
        raise ValueError(f"a component cannot take away {gone}")
    for key, old in base.items():
        if operations := list(_operations("", old, wanted[key])):
            if key[0] == "ConfigMap":
                raise ValueError(f"an overlay is to change the configuration, not {operations}")
            yield {
                "target": dict(zip(("kind", "name"), key, strict=True)),
                "patch": _dump(operations),
            }


def _operations(path: str, old: Any, new: Any) -> Iterator[dict[str, Any]]:
    """A JSON patch from one to the other."""
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            yield from _of_key(f"{path}/{key.replace('~', '~0').replace('/', '~1')}", key, old, new)
    elif isinstance(old, list) and isinstance(new, list) and _named(old) <= _named(new):
        yield from _of_list(path, {each["name"]: each for each in old}, new)
    else:
        yield {"op": "replace", "path": path, "value": new}


def _of_key(
    path: str, key: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    if key not in new:
        yield {"op": "remove", "path": path}
    elif key not in old:
        yield {"op": "add", "path": path, "value": new[key]}
    else:
        yield from _operations(path, old[key], new[key])


def _named(items: Sequence[Any]) -> set[str]:
    """Of a list whose items have names these, else one that no list has."""
    named = {each["name"] for each in items if isinstance(each, dict) and "name" in each}
    return named if len(named) == len(items) else {"", str(items)}


def _of_list(
    path: str, old: Mapping[str, Any], new: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """By the names of its items, which keep their order."""
    for index, each in enumerate(new):
        if each["name"] in old:
            yield from _operations(f"{path}/{index}", old[each["name"]], each)
        else:
            yield {"op": "add", "path": f"{path}/{index}", "value": each}


def _file(key: tuple[str, str]) -> str:
    kind, name = key
    return (
        "-".join(filter(None, [kind.lower(), name.removeprefix("whatchat").strip("-")])) + ".yaml"
    )


def _text_node(dumper: Any, text: str) -> Any:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_DUMPER: Final[Any] = type("_Dumper", (yaml.SafeDumper,), {"ignore_aliases": lambda *_: True})
"""Texts of several lines are blocks, so that changes of them can be read."""
_DUMPER.add_representer(str, _text_node)


def _dump(value: Any) -> str:
    text: str = yaml.dump(value, Dumper=_DUMPER, sort_keys=False, width=100, allow_unicode=True)
    return text


def _text(value: Any) -> str:
    return HEADER + _dump(value)


if __name__ == "__main__":
    write()
