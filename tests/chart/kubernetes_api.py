"""As much of a Kubernetes API on loopback as Helm asks for when it renders for a cluster."""

import base64
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from tests.chart.helm import Object

POLL_SECONDS: Final = 0.01
"""So often the server looks whether it is to end."""

MISSING: Final = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound"}


@contextmanager
def kubernetes_api(
    known: Sequence[Object],
    secrets: Mapping[str, Mapping[str, str]],
    *,
    release: str = "whatchat",
    namespace: str = "chat",
) -> Iterator[str]:
    """Where it is. It knows the kinds of the objects that are ``known``.

    It holds ``secrets``, as Helm has left them for ``release``, that of now or one before it.
    """
    answers = _discovery(known)
    for name, held in secrets.items():
        data = {key: base64.b64encode(value.encode()).decode() for key, value in held.items()}
        answers[f"/api/v1/namespaces/{namespace}/secrets/{name}"] = {
            "kind": "Secret",
            "apiVersion": "v1",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": {"app.kubernetes.io/managed-by": "Helm"},
                "annotations": {
                    "meta.helm.sh/release-name": release,
                    "meta.helm.sh/release-namespace": namespace,
                },
            },
            "data": data,
        }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that the library calls
            found = answers.get(self.path.partition("?")[0])
            body = json.dumps(found or MISSING).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,))
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            serving.join()


def _discovery(known: Sequence[Object]) -> dict[str, Any]:
    kinds = {(each["apiVersion"], each["kind"]) for each in known}
    groups = {version.partition("/")[0]: version for version, _ in kinds if "/" in version}
    answers: dict[str, Any] = {
        "/version": {"major": "1", "minor": "35", "gitVersion": "v1.35.0"},
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": [_group(name, version) for name, version in groups.items()],
        },
    }
    for version in {version for version, _ in kinds}:
        root = "/apis" if "/" in version else "/api"
        answers[f"{root}/{version}"] = {
            "kind": "APIResourceList",
            "groupVersion": version,
            "resources": [_resource(kind) for of, kind in sorted(kinds) if of == version],
        }
    return answers


def _group(name: str, version: str) -> dict[str, Any]:
    described = {"groupVersion": version, "version": version.partition("/")[2]}
    return {"name": name, "versions": [described], "preferredVersion": described}


def _resource(kind: str) -> dict[str, Any]:
    plural = kind.lower().removesuffix("y") + ("ies" if kind.endswith("y") else "s")
    return {
        "name": plural,
        "singularName": kind.lower(),
        "namespaced": True,
        "kind": kind,
        "verbs": ["get", "list"],
    }
