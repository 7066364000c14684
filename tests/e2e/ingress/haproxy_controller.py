"""What HAProxy Technologies' controller makes of a Service's annotations.

Its documentation says which annotation is read where, and what is configured by it and by default
(``documentation/annotations.md`` of haproxytech/kubernetes-ingress, 3.2).
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from tests.e2e.ingress.proxying import Place, UnknownAnnotation
from tests.e2e.ingress.rendered import Annotations, Rendered

PREFIX: Final = "haproxy.org/"
_SNIPPET_TIMEOUT: Final = re.compile(r"(timeout \w+) (\S+)")

CONFIGURATION: Final = """\
global
    maxconn 2000
    log stdout format raw daemon
    hard-stop-after 30m

defaults
    mode http
    log global
    # As nginx' in these tests: method, status, transport, whether in a session, the pod, and
    # how often it was tried, with + if the last was another's.
    log-format "request %HM %ST %[var(txn.transport)] %[var(txn.session)] %s tries %rc"
    option redispatch 0
    option dontlognull
    option http-keep-alive
    timeout http-request {seconds_5}
    timeout connect {seconds_5}
    timeout client {seconds_50}
    timeout queue {seconds_5}
    timeout server {seconds_50}
    timeout tunnel {hour}
    timeout http-keep-alive {minute}

frontend http
    bind 127.0.0.1:{port}
    http-request set-var(txn.transport) url_param(transport)
    http-request set-var(txn.session) url_param(sid),length
    default_backend pods

backend pods
{backend}
{servers}
"""

Lines = Callable[[str, Place], list[str]]

TABLE: Final[Mapping[str, Lines]] = {
    "load-balance": lambda value, _: [f"balance {value}"],
    "forwarded-for": lambda value, _: ["option forwardfor"] if value == "true" else [],
    "cookie-persistence": lambda value, _: [
        "dynamic-cookie-key ingress",
        f"cookie {value} insert indirect nocache dynamic",
    ],
    "timeout-server": lambda value, place: [f"timeout server {place.timeout(value)}"],
    "check": lambda value, _: ["default-server check"] if value == "true" else [],
    "check-interval": lambda value, _: [f"default-server inter {value}"],
    "backend-config-snippet": lambda value, place: [
        _SNIPPET_TIMEOUT.sub(lambda found: f"{found[1]} {place.timeout(found[2])}", line)
        for line in value.splitlines()
    ],
}
"""On a Service. The snippet comes last, before the servers."""

CONTROLLERS_OWN: Final = {"load-balance": "roundrobin", "forwarded-for": "true", "check": "true"}


def configuration(rendered: Rendered, place: Place) -> str:
    """What HAProxy is started with. Raises :class:`UnknownAnnotation`."""
    told = _told(rendered.service)
    if rendered.ingress:
        raise UnknownAnnotation(f"on the Ingress: {sorted(rendered.ingress)}")
    backend = [line for name in TABLE if name in told for line in TABLE[name](told[name], place)]
    servers = [f"server SRV_{n} {pod} enabled" for n, pod in enumerate(place.pods, 1)]
    return CONFIGURATION.format(
        port=place.port,
        backend=_indented(backend),
        servers=_indented(servers),
        seconds_5=place.timeout("5s"),
        seconds_50=place.timeout("50s"),
        minute=place.timeout("1m"),
        hour=place.timeout("1h"),
    )


def _told(annotations: Annotations) -> dict[str, str]:
    told = dict(CONTROLLERS_OWN)
    for name, value in annotations.items():
        own = name.removeprefix(PREFIX)
        if own == name or own not in TABLE:
            raise UnknownAnnotation(f"on the Service: {name}")
        told[own] = value
    return told


def _indented(lines: list[str]) -> str:
    return "\n".join(f"    {line}" for line in lines)
