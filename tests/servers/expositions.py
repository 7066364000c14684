"""Serves what others export, as it was recorded in ``tests/fixtures/expositions``."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Self

FOLDER = Path(__file__).parents[1] / "fixtures" / "expositions"


class Expositions:
    """Each file by its name, ``/haproxy`` and so on, on a loopback port; nothing ever changes."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Recorded)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, name="expositions", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def names() -> list[str]:
    """What there is."""
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


class _Recorded(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = self.path.removeprefix("/")
        if name not in names():
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.end_headers()
        self.wfile.write((FOLDER / f"{name}.txt").read_bytes())

    def log_message(self, *_: object) -> None:
        """Says nothing."""
