"""An ingress controller: a preset's settings, and a real proxy that is told of pods."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tests.e2e.ingress import haproxy_controller, nginx_controllers
from tests.e2e.ingress.proxying import Place
from tests.e2e.ingress.rendered import Rendered, rendered
from tests.e2e.node_process import free_port
from tests.servers.reloadable_proxy import ReloadableProxy, haproxy, nginx

_REQUEST: Final = re.compile(r"request (\S+) (-?\d+) (\S+) (\S+) (.+)\Z")


class Kind(NamedTuple):
    """Which proxy a preset's controller runs, and how it configures it."""

    proxy: Callable[[Path, int], ReloadableProxy]
    configure: Callable[[Rendered, Place], str]


KINDS: Final[Mapping[str, Kind]] = {
    "haproxy": Kind(haproxy, haproxy_controller.configuration),
    "nginx": Kind(nginx, nginx_controllers.f5),
    "ingress-nginx": Kind(nginx, nginx_controllers.community),
}


class Request(NamedTuple):
    """A request that has ended, as the proxy logged it, with the ``way`` that it took."""

    method: str
    status: int
    transport: str
    in_session: bool
    way: str

    @property
    def was_refused_elsewhere(self) -> bool:
        """Whether one pod refused it before another did not."""
        return "tries +" in self.way or " 503, " in self.way

    @property
    def is_poll(self) -> bool:
        """Whether it is of a session that polls: of one that has not upgraded, or not yet."""
        return self.in_session and self.transport == "polling"


class Controller:
    """One preset at work. ``settings`` take the place of what the chart renders for it."""

    def __init__(
        self, preset: str, folder: Path, *, settings: Rendered | None = None, hurry: float = 1
    ) -> None:
        self._kind = KINDS[preset]
        self._settings = settings or rendered(preset)
        self._hurry = hurry
        self._proxy = self._kind.proxy(folder, free_port())
        self.url = self._proxy.url

    def start(self, pods: Sequence[str]) -> None:
        """Begin with these pods."""
        self._proxy.start(self._configuration(pods))

    def serve(self, pods: Sequence[str]) -> None:
        """Have new requests go to these pods, and no others."""
        self._proxy.reload(self._configuration(pods))

    def stop(self) -> None:
        """End it."""
        self._proxy.stop()

    def requests(self) -> list[Request]:
        """All that have ended, sockets' included."""
        found = (_REQUEST.search(line) for line in self._proxy.log_lines())
        return [Request(one[1], int(one[2]), one[3], one[4] != "-", one[5]) for one in found if one]

    def _configuration(self, pods: Sequence[str]) -> str:
        place = Place(self._proxy.folder, self._proxy.port, pods, self._hurry)
        return self._kind.configure(self._settings, place)
