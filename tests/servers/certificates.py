"""Certificates for servers on the loopback address."""

import subprocess
from pathlib import Path

from tests.servers.redis_server import TlsFiles


def make_certificates(folder: Path) -> TlsFiles:
    """An authority of our own, and a certificate that it signed for ``127.0.0.1``."""
    files = TlsFiles(folder / "ca.crt", folder / "server.crt", folder / "server.key")
    _openssl(
        "req", "-x509", "-subj", "/CN=authority", "-keyout", folder / "ca.key", *_new(files.ca)
    )
    _openssl(
        *("req", "-x509", "-subj", "/CN=server", "-keyout", files.key),
        *("-CA", files.ca, "-CAkey", folder / "ca.key"),
        *("-addext", "subjectAltName=IP:127.0.0.1", *_new(files.certificate)),
    )
    return files


def _new(certificate: Path) -> tuple[object, ...]:
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc")
    return *key, "-days", "2", "-out", certificate


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
