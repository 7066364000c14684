"""A container of the image, made of what the kernel has: no container runtime is needed."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

STOP_SECONDS: Final = 20
READY_SECONDS: Final = 20

ENTER: Final = """
set -e
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
root=$1 data=$2 user=$3 path=$4; shift 4
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o size=64k,mode=755 dev "$root/dev"
for device in null urandom; do
    : > "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mount -o remount,ro "$root/dev"
[ -z "$data" ] || mount --bind "$data" "$root/data"
PATH=$path exec /usr/sbin/chroot --userspec="$user" --groups= "$root" "$@"
"""


class Container:
    """The image's program as the first process of its own, as the image's user.

    The root is read-only, and so is ``/dev``, in which there are two devices; ``/tmp`` is a part
    of it. ``data``, if given, is what ``/data`` is. No privilege is left or can be had.
    """

    def __init__(
        self,
        root: Path,
        config: Mapping[str, Any],
        arguments: Sequence[str] | None = None,
        *,
        data: Path | None = None,
        **settings: object,
    ) -> None:
        self._root = root
        self._config = config
        self._data = data
        said = dict(each.split("=", 1) for each in config["Env"])
        self.env = said | {f"WHATCHAT_{key.upper()}": str(each) for key, each in settings.items()}
        command = config["Cmd"] if arguments is None else arguments
        self._process = self._started([*config["Entrypoint"], *command])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError, IndexError):  # it has ended
            os.kill(self.pid, signal.SIGKILL)
        self._process.communicate(timeout=STOP_SECONDS)

    @property
    def url(self) -> str:
        """Where it is, once it says so."""
        assert self._process.stdout
        for line in iter(self._process.stdout.readline, ""):
            if line.startswith("Whatchat is at "):
                return line.split()[-1]
        raise AssertionError(f"it ended: {self._process.communicate()}")

    @property
    def pid(self) -> int:
        """The first process' id, as the host has it."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return int(children.read_text().split()[0])

    def terminate(self) -> tuple[int, str]:
        """End it as a runtime does; its status, and what it wrote to standard error."""
        os.kill(self.pid, signal.Signals[self._config["StopSignal"]])
        return self.ended()

    def ended(self, *, seconds: float = STOP_SECONDS) -> tuple[int, str]:
        """The same, of one that ends by itself."""
        _, errors = self._process.communicate(timeout=seconds)
        return self._process.returncode, errors

    def health(self, **settings: str) -> tuple[int, str]:
        """What the image's health check says, run as a runtime does, in this container."""
        kind, *command = self._config["Healthcheck"]["Test"]
        assert kind == "CMD"
        check = self._started(command, self.env | settings)
        output, errors = check.communicate(timeout=STOP_SECONDS)
        return check.returncode, output + errors

    def becomes_healthy(self) -> None:
        """Return once the health check passes."""
        deadline = time.monotonic() + READY_SECONDS
        while (answer := self.health())[0]:
            assert self._process.poll() is None, self._process.communicate()
            assert time.monotonic() < deadline, answer
            time.sleep(0.2)

    def _started(
        self, command: Sequence[str], env: Mapping[str, str] | None = None
    ) -> "subprocess.Popen[str]":
        env = env or self.env
        own = (self._root, self._data or "", self._config["User"], env["PATH"])
        return subprocess.Popen(
            [
                *("/usr/bin/setpriv", "--no-new-privs", "/usr/bin/unshare"),
                *("--mount", "--pid", "--ipc", "--fork"),
                *("/bin/sh", "-c", ENTER, "enter", *map(str, own), *command),
            ],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
