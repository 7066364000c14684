"""The chart's README, made from its values and their comments.

A comment that begins with ``# --`` is of the value below it, and of all that is in that value; any
other comment is of the section that it opens. ``python -m tests.chart.readme`` (`make chart-docs`)
writes the page anew.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import yaml

from tests.chart.helm import CHART

README: Final = CHART / "README.md"
MOST_CHARACTERS: Final = 80
"""A longer default is looked up."""

HEAD: Final = """\
# Whatchat on Kubernetes

{description}. The chart needs nothing
but Kubernetes {kubernetes} and Helm 4, or 3.17 and newer: it has no dependencies, and renders
offline. There is no public image: [Deploying](../../docs/deploy.md) has how to build one.

```sh
helm install whatchat helm/whatchat --namespace chat --create-namespace \\
  --set image.repository=$REGISTRY/whatchat
helm test whatchat --namespace chat --logs
kubectl -n chat port-forward service/whatchat 8000:80
```

That is a chat at `http://127.0.0.1:8000`: two pods and a worker, over a MongoDB and a Redis for
trying out. For one that lasts, bring your own, with what is secret in a Secret:

```sh
kubectl -n chat create secret generic whatchat-secrets --from-literal=store-url="$STORE_URL" \\
  --from-literal=redis-url="$REDIS_URL" --from-literal=jwt-secret="$(openssl rand -base64 48)"
helm upgrade --install whatchat helm/whatchat --namespace chat --values production.yaml
```

```yaml
# production.yaml
image: {{repository: images.example.org/chat/whatchat}}
secrets: {{existingSecret: whatchat-secrets}}
mongodb: {{enabled: false}}
redis: {{enabled: false}}
ingress:
  enabled: true
  preset: haproxy # or traefik, nginx, …: each controller is made sticky in another way
  hosts: [chat.example.org]
  tls: [{{secretName: chat-tls, hosts: [chat.example.org]}}]
autoscaling: {{kind: hpa}} # by connected sockets and CPU
monitoring:
  monitor: pod
  rules: {{enabled: true}}
  dashboards: {{enabled: true}}
```

[Deploying](../../docs/deploy.md) goes from here to a million sockets: checklist, sizing, upgrades,
backup, and what to do when something is wrong. More values, each for one way to run it, are in
[`ci/`](ci).

- Values that cannot work together are refused when they are rendered, by name and with a reason;
  so is a value that there is not.
- An update loses nothing and refuses nobody: a new pod is ready before an old one goes, which first
  moves its clients, and has the time for it.
- Pods keep the restricted standard of pod security, on a root that cannot be written, with no token
  of the cluster; policies close the network to all that is not named.
- `helm test` asks whether every pod is ready, whether clients that poll meet their pod each time,
  and whether what is said on one pod is heard on the others. The last leaves two accounts named
  `check-…` and their room, the same ones each time.
- `helm uninstall` leaves the Secret of the tokens, that of the trial MongoDB, and its volume: an
  installation of the same name in the same namespace finds them again.

## Values

Made from [`values.yaml`](values.yaml) by `make chart-docs`.
"""


class Value(NamedTuple):
    """One row: where a value is, what it is unless it is given, and what the comment says.

    What opens a part of a section is a row without a default.
    """

    path: str
    default: str
    comment: str


class Section(NamedTuple):
    """The values below one key of the first level; single values are a section without a name."""

    name: str
    comment: str
    values: Sequence[Value]


def sections() -> list[Section]:
    """All values in order, as sections."""
    text = (CHART / "values.yaml").read_text()
    lines, root = text.splitlines(), yaml.compose(text, yaml.SafeLoader)
    alone: list[Value] = []
    found = []
    for key, node in root.value:
        own, opening = _comments(lines, key.start_mark.line)
        if own or not _is_filled(node):
            alone.append(Value(key.value, _default(node), own))
        else:
            found.append(Section(key.value, opening, list(_values(lines, key.value, node))))
    return [Section("", "", alone), *found]


def readme() -> str:
    """The whole page."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    kubernetes = re.sub(r"^>=([\d.]+?)(\.0)?-0$", r"\1 or newer", chart["kubeVersion"])
    parts = [HEAD.format(description=chart["description"], kubernetes=kubernetes)]
    parts += ["\n".join(_page(section)) + "\n" for section in sections()]
    return "\n".join(parts)


def _page(section: Section) -> Iterator[str]:
    if section.name:
        yield f"### {section.name}\n"
    if section.comment:
        yield f"{section.comment}\n"
    yield "| Value | Default | |"
    yield "|---|---|---|"
    for value in section.values:
        default = f"`{_cell(value.default)}`" if value.default else ""
        yield f"| `{value.path}` | {default} | {_cell(value.comment)} |"


def _values(lines: Sequence[str], path: str, node: yaml.MappingNode) -> Iterator[Value]:
    for key, below in node.value:
        here = f"{path}.{key.value}"
        own, opening = _comments(lines, key.start_mark.line)
        if own or not _is_filled(below):
            yield Value(here, _default(below), own)
            continue
        if opening:
            yield Value(f"{here}.*", "", opening)
        yield from _values(lines, here, below)


def _default(node: yaml.Node) -> str:
    value = yaml.safe_load(yaml.serialize(node))
    shown = json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= MOST_CHARACTERS else "see values.yaml"


def _comments(lines: Sequence[str], at: int) -> tuple[str, str]:
    """The comment right above a line: as the value's own, or as that of a section."""
    found: list[str] = []
    while at > 0 and lines[at - 1].lstrip().startswith("#"):
        at -= 1
        found.insert(0, lines[at].lstrip().removeprefix("#").strip())
    text = " ".join(found)
    return (text.removeprefix("--").strip(), "") if text.startswith("--") else ("", text)


def _is_filled(node: yaml.Node) -> bool:
    return isinstance(node, yaml.MappingNode) and bool(node.value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    README.write_text(readme())
