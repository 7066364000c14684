"""What the two controllers for nginx make of an Ingress' annotations.

F5's: ``internal/configs/annotations.go`` and ``version1/nginx.ingress.tmpl`` of
nginx/kubernetes-ingress, 5.4. The community's does in Lua what nginx itself can do by now: its
cookie affinity is translated to ``sticky``.
"""

from collections.abc import Callable, Mapping
from typing import Final

from tests.e2e.ingress.proxying import Place, UnknownAnnotation
from tests.e2e.ingress.rendered import SERVICE, Annotations, Rendered

CONFIGURATION: Final = """\
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr notice;
events {{ worker_connections 2000; }}
http {{
    # Neither queries nor cookies: method, status, transport, whether in a session, pods, and what
    # each answered.
    map $arg_sid $in_session {{ default 1; '' -; }}
    map $arg_transport $transport {{ default $arg_transport; '' -; }}
    log_format request 'request $request_method $status $transport $in_session '
                       '$upstream_addr $upstream_status';
    access_log /dev/stderr request;
    client_body_temp_path bodies;
    proxy_temp_path responses;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' '{idle}'; }}
    upstream pods {{
        zone pods 256k;
{upstream}
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://pods;
            proxy_http_version 1.1;
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
{location}
        }}
    }}
}}
"""

UPGRADE: Final = {
    "proxy_set_header Upgrade": "$http_upgrade",
    "proxy_set_header Connection": "$connection_upgrade",
}


class Nginx:
    """What is gathered for one upstream and its location, from the controller's defaults on."""

    def __init__(
        self, place: Place, *, max_fails: int, balance: str, idle: str = "", **location: str
    ) -> None:
        self._place = place
        self.idle = idle
        self.max_fails = max_fails
        self.balance = balance
        self.sticky = ""
        self.keepalive = (
            [] if idle else ["keepalive 320", f"keepalive_timeout {place.timeout('60s')}"]
        )
        self.location = dict(location)
        for timeout in ("proxy_connect_timeout", "proxy_read_timeout", "proxy_send_timeout"):
            self.location[timeout] = place.timeout(location[timeout])

    def timeout(self, directive: str, duration: str) -> None:
        """Set one of the location's timeouts."""
        self.location[directive] = self._place.timeout(duration)

    def written(self) -> str:
        """The whole configuration."""
        servers = [f"server {pod} max_fails={self.max_fails}" for pod in self._place.pods]
        upstream = [self.balance, *servers, self.sticky, *self.keepalive]
        location = [f"{name} {value}" for name, value in self.location.items()]
        return CONFIGURATION.format(
            idle=self.idle,
            port=self._place.port,
            upstream=_statements(upstream),
            location=_statements(location),
        )


Tell = Callable[[Nginx, str], None]


def _sets(directive: str) -> Tell:
    return lambda nginx, value: nginx.location.update({directive: value})


def _times(directive: str) -> Tell:
    return lambda nginx, value: nginx.timeout(directive, value)


def _means(wanted: str) -> Tell:
    """Of what is translated in no other way."""

    def tell(_: Nginx, value: str) -> None:
        if value != wanted:
            raise UnknownAnnotation(f"{value!r} where {wanted!r} is known")

    return tell


# F5's.


def _sockets(nginx: Nginx, value: str) -> None:
    if SERVICE in value.split(","):
        nginx.location.update(UPGRADE)


def _sticky_services(nginx: Nginx, value: str) -> None:
    for part in value.split(";"):
        service, cookie = part.split(" ", 1)
        if service == f"serviceName={SERVICE}":
            nginx.sticky = f"sticky cookie {cookie}"


def _max_fails(nginx: Nginx, value: str) -> None:
    nginx.max_fails = int(value)


def _balance(nginx: Nginx, value: str) -> None:
    nginx.balance = value


def _buffering(nginx: Nginx, value: str) -> None:
    nginx.location["proxy_buffering"] = {"true": "on", "false": "off"}[value]


F5: Final[Mapping[str, Tell]] = {
    "nginx.org/websocket-services": _sockets,
    "nginx.org/sticky-cookie-services": _sticky_services,
    "nginx.org/lb-method": _balance,
    "nginx.org/max-fails": _max_fails,
    "nginx.org/proxy-connect-timeout": _times("proxy_connect_timeout"),
    "nginx.org/proxy-read-timeout": _times("proxy_read_timeout"),
    "nginx.org/proxy-send-timeout": _times("proxy_send_timeout"),
    "nginx.org/proxy-buffering": _buffering,
    "nginx.org/client-max-body-size": _sets("client_max_body_size"),
    "nginx.org/proxy-next-upstream": _sets("proxy_next_upstream"),
    "nginx.org/proxy-next-upstream-tries": _sets("proxy_next_upstream_tries"),
    "nginx.org/proxy-next-upstream-timeout": _sets("proxy_next_upstream_timeout"),
}


def f5(rendered: Rendered, place: Place) -> str:
    """What F5's controller starts nginx with. Raises :class:`UnknownAnnotation`."""
    nginx = Nginx(
        place,
        max_fails=1,
        balance="random two least_conn",
        idle="close",  # it keeps no connections where there are WebSockets
        proxy_connect_timeout="60s",
        proxy_read_timeout="60s",
        proxy_send_timeout="60s",
        client_max_body_size="1m",
        proxy_next_upstream="error timeout",
    )
    _tell(nginx, F5, rendered)
    return nginx.written()


# The community's.

_COOKIE: Final = "nginx.ingress.kubernetes.io/session-cookie-"

COMMUNITY: Final[Mapping[str, Tell]] = {
    "nginx.ingress.kubernetes.io/affinity": _means("cookie"),
    # A pod stays another's choice only as long as it is there: as nginx' own cookie does it.
    "nginx.ingress.kubernetes.io/affinity-mode": _means("persistent"),
    f"{_COOKIE}name": lambda nginx, value: setattr(
        nginx, "sticky", f"sticky cookie {value} httponly"
    ),
    f"{_COOKIE}path": lambda nginx, value: _attribute(nginx, f"path={value}"),
    f"{_COOKIE}samesite": lambda nginx, value: _attribute(nginx, f"samesite={value.lower()}"),
    f"{_COOKIE}secure": lambda nginx, value: _attribute(nginx, "secure" * (value == "true")),
    # Else a retry would meet the pod that has just refused.
    f"{_COOKIE}change-on-failure": _means("true"),
    "nginx.ingress.kubernetes.io/proxy-connect-timeout": _times("proxy_connect_timeout"),
    "nginx.ingress.kubernetes.io/proxy-read-timeout": _times("proxy_read_timeout"),
    "nginx.ingress.kubernetes.io/proxy-send-timeout": _times("proxy_send_timeout"),
    "nginx.ingress.kubernetes.io/proxy-buffering": _sets("proxy_buffering"),
    "nginx.ingress.kubernetes.io/proxy-body-size": _sets("client_max_body_size"),
    "nginx.ingress.kubernetes.io/proxy-next-upstream": _sets("proxy_next_upstream"),
    "nginx.ingress.kubernetes.io/proxy-next-upstream-tries": _sets("proxy_next_upstream_tries"),
    "nginx.ingress.kubernetes.io/proxy-next-upstream-timeout": _sets("proxy_next_upstream_timeout"),
}


def community(rendered: Rendered, place: Place) -> str:
    """What the community's controller amounts to. Raises :class:`UnknownAnnotation`."""
    nginx = Nginx(
        place,
        max_fails=0,
        balance="",  # by turns, where the controller leaves it to chance
        proxy_connect_timeout="5s",
        proxy_read_timeout="60s",
        proxy_send_timeout="60s",
        client_max_body_size="1m",
        proxy_buffering="off",
        proxy_next_upstream="error timeout",
        proxy_next_upstream_tries="3",
        **UPGRADE,
    )
    _tell(nginx, COMMUNITY, rendered)
    return nginx.written()


def _attribute(nginx: Nginx, attribute: str) -> None:
    nginx.sticky = f"{nginx.sticky} {attribute}".rstrip()


def _tell(nginx: Nginx, table: Mapping[str, Tell], rendered: Rendered) -> None:
    _know(table, rendered.ingress, "Ingress")
    _know({}, rendered.service, "Service")
    for name, tell in table.items():
        if name in rendered.ingress:
            tell(nginx, rendered.ingress[name])


def _know(table: Mapping[str, Tell], annotations: Annotations, kind: str) -> None:
    unknown = sorted(annotations.keys() - table.keys())
    if unknown:
        raise UnknownAnnotation(f"on the {kind}: {unknown}")


def _statements(lines: list[str]) -> str:
    return "\n".join(f"            {line};" for line in lines if line)
