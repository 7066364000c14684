"""Images built and looked into by buildah, without a daemon."""

import fcntl
import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
CACHE: Final = ROOT / ".cache" / "image"
SUITE: Final = "trixie"
"""Of the Debian that the default base is made of."""

CERTIFICATES: Final = Path("/etc/ssl/certs/ca-certificates.crt")
INSIDE: Final = "/run/certificates.crt"


class Buildah:
    """Buildah with a storage of its own in ``.cache``, which holds a base for the next time."""

    def __init__(self) -> None:
        CACHE.mkdir(parents=True, exist_ok=True)
        self._driver = "overlay" if self._works("overlay") else "vfs"

    def run(self, *arguments: str | Path) -> str:
        """What buildah prints; fails with what it complains of."""
        done = self._done(self._driver, *arguments)
        if done.returncode:
            raise AssertionError(f"buildah {arguments[0]}: {done.stdout}\n{done.stderr}")
        return done.stdout.strip()

    @cached_property
    def base(self) -> str:
        """An image with Python: PYTHON_IMAGE, or one that is made of Debian's packages."""
        if given := os.environ.get("PYTHON_IMAGE"):
            return given
        name = f"localhost/whatchat-base:{SUITE}"
        if self._done(self._driver, "inspect", "--type", "image", name).returncode:
            folder = subprocess.run(
                [ROOT / ".ci/image/base", SUITE], check=True, stdout=subprocess.PIPE, text=True
            )
            container = self.run("from", "scratch")
            self.run("add", "--quiet", container, folder.stdout.strip(), "/")
            self.run("commit", "--quiet", "--rm", container, name)
        return name

    def build(self, name: str, target: str = "", **arguments: str) -> None:
        """Build the Dockerfile, or one stage; ``arguments`` are its own, such as ``VERSION``."""
        options = ["--volume", f"{CERTIFICATES}:{INSIDE}:ro"]
        given = {"PYTHON_IMAGE": self.base, "PIP_CERT": INSIDE, **arguments}
        for key, value in given.items():
            options += ["--build-arg", f"{key}={value}"]
        options += ["--target", target] if target else []
        how = ("--isolation", "chroot", "--format", "docker", "--layers", "--quiet")
        self.run("build", *how, *options, "--tag", name, ROOT)

    def inspect(self, name: str) -> Mapping[str, Any]:
        """What the image says of itself, as Docker says it."""
        found: Mapping[str, Any] = json.loads(self.run("inspect", "--type", "image", name))
        return found

    @contextmanager
    def mounted(self, name: str) -> Iterator[Path]:
        """The image's file system."""
        container = self.run("from", "--pull-never", name)
        try:
            yield Path(self.run("mount", container))
        finally:
            self.run("umount", container)
            self.run("rm", container)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else uses the storage meanwhile; what was left of an earlier use is gone."""
        with (CACHE / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.run("rm", "--all")
            yield

    def _works(self, driver: str) -> bool:
        if self._done(driver, "from", "--name", "probe", "scratch").returncode:
            return False
        return self._done(driver, "rm", "probe").returncode == 0

    def _done(self, driver: str, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        storage = CACHE / f"storage-{driver}"
        return subprocess.run(
            [
                *("buildah", "--storage-driver", driver, "--root", storage),
                *("--runroot", f"{storage}-run", *arguments),
            ],
            check=False,
            capture_output=True,
            text=True,
        )
