"""A Grafana with the product's dashboards, where one is installed."""

import contextlib
import http.client
import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

from tests.e2e.node_process import free_port
from tests.servers.processes import ServerProcess

DASHBOARDS = Path(__file__).parents[2] / "dashboards"
PROVISIONING = DASHBOARDS / "provisioning"
PROGRAMS = ("grafana", "grafana-server")
PACKAGED = Path("/usr/share/grafana")
PLUGIN = "yesoreyeram-infinity-datasource"

READY_SECONDS = 90
"""It makes its database first, and fetches the plugin where it has none."""

STOP_SECONDS = 10


def found() -> Path | None:
    """The program, if there is one."""
    paths = filter(None, map(shutil.which, PROGRAMS))
    return next(map(Path, paths), None)


def provisioned(*, prometheus: str, debug: str, read_token: str, traces: str) -> dict[str, str]:
    """What ``dashboards/provisioning/`` takes from Grafana's environment."""
    return {
        "PROMETHEUS_URL": prometheus,
        "WHATCHAT_DEBUG_URL": debug,
        "WHATCHAT_ADMIN_READ_TOKEN": read_token,
        "TRACES_URL": traces,
        "WHATCHAT_DASHBOARDS": str(DASHBOARDS),
    }


class Grafana:
    """Listens on a loopback port and asks nobody who they are; keeps all it has in its folder.

    All methods block.
    """

    def __init__(self, program: Path, folder: Path, env: Mapping[str, str], port: int = 0) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "grafana.log"
        self._program = program
        self._folder = folder
        self._env = env
        self._process = ServerProcess("Grafana")

    def start(self) -> None:
        """Start it and return once it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        env = os.environ | self._settings() | dict(self._env)
        self._process.start(self._command(), self.log, anew=False, folder=self._folder, env=env)
        if not self._process.comes_up(self._is_ready, seconds=READY_SECONDS):
            self.stop()
            raise AssertionError(f"Grafana did not start: see {self.log}")

    def stop(self) -> None:
        """End it; harmless if it is not up."""
        self._process.end(signal.SIGTERM, seconds=STOP_SECONDS)

    def _command(self) -> list[str]:
        command = [str(self._program)]
        if self._program.name == "grafana":
            command.append("server")
        homes = (self._program.resolve().parents[1], PACKAGED)
        home = next((one for one in homes if (one / "conf" / "defaults.ini").is_file()), None)
        return [*command, f"--homepath={home}"] if home else command

    def _settings(self) -> dict[str, str]:
        return {
            "GF_SERVER_HTTP_ADDR": "127.0.0.1",
            "GF_SERVER_HTTP_PORT": str(self.port),
            "GF_PATHS_DATA": str(self._folder / "data"),
            "GF_PATHS_LOGS": str(self._folder / "logs"),
            "GF_PATHS_PROVISIONING": str(PROVISIONING),
            "GF_PLUGINS_PREINSTALL": PLUGIN,
            "GF_AUTH_ANONYMOUS_ENABLED": "true",
            "GF_AUTH_ANONYMOUS_ORG_ROLE": "Admin",
            "GF_AUTH_DISABLE_LOGIN_FORM": "true",
            "GF_ANALYTICS_REPORTING_ENABLED": "false",
            "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        }

    def _is_ready(self) -> bool:
        probe = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        with contextlib.closing(probe), contextlib.suppress(OSError, http.client.HTTPException):
            probe.request("GET", "/api/health")
            return probe.getresponse().status == 200
        return False
