"""Puts together what an image is made of: an interpreter and what it loads, and no system.

usage: python3 root.py DESTINATION VENV [FOLDER]

Run by the Dockerfile, by the base image's own Python. DESTINATION gets four folders, each a layer,
in the order of how seldom they change: `system` (the interpreter, its standard library, the shared
libraries that they and the packages are linked with, certificates), `libraries` (the packages of
VENV), `product` (Whatchat, and FOLDER where it is) and `state` (what its user owns). Every byte is
decided by what goes in: times are those of SOURCE_DATE_EPOCH, or 1980's, so that a layer that did
not change is not sent again.
"""

import compileall
import os
import re
import shutil
import struct
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from py_compile import PycInvalidationMode

UID = 10001
EPOCH = int(os.environ.get("SOURCE_DATE_EPOCH") or 315_532_800)

# What a server has no use for: tests, windows, terminals, old databases, ways to install more.
LEFT_OUT = re.compile(
    r"(test|tests|idlelib|tkinter|turtledemo|turtle\.py|lib2to3|ensurepip|pydoc_data|venv|config-.*"
    r"|__pycache__|site-packages|dist-packages|EXTERNALLY-MANAGED"
    r"|(_test|_xx|xx|_tkinter|_curses|readline|_gdbm|_dbm|nis|_ctypes_test).*\.so)\Z"
)
SETTINGS_OF_THE_SYSTEM = (
    "/etc/debian_version",
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/ld.so.cache",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/protocols",
    "/etc/services",
)
CERTIFICATES = (
    "/etc/ssl/certs",
    "/usr/lib/ssl/cert.pem",
    "/usr/lib/ssl/certs",
    "/usr/lib/ssl/openssl.cnf",
)
# glibc loads this by name as a thread is cancelled, so no program is linked with it.
LOADED_BY_NAME = ("libgcc_s.so.1",)
USERS = f"root:x:0:0:root:/:/nonexistent\nwhatchat:x:{UID}:{UID}:Whatchat:/data:/nonexistent\n"
GROUPS = f"root:x:0:\nwhatchat:x:{UID}:\n"


class Root:
    """A file system in the making, which gets files of this one at the paths that they have."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def carry(self, path: Path) -> None:
        """Take a file, a link with what it leads to, or a folder with all but what is left out."""
        place = self._place(path.parent) / path.name
        if path.is_symlink():
            self._link(path, place)
        elif path.is_dir():
            place.mkdir(exist_ok=True)
            for each in path.iterdir():
                if not LEFT_OUT.match(each.name):
                    self.carry(each)
        elif path.is_file() and not place.exists():
            shutil.copy2(path, place)

    def _place(self, folder: Path) -> Path:
        """Where a folder is here; on the way there, what is a link there is one here."""
        place = self.folder
        for at in [*reversed(folder.parents), folder][1:]:
            place /= at.name
            if at.is_symlink():
                self._link(at, place)
                place = self._place(at.resolve())
            place.mkdir(exist_ok=True, parents=True)
        return place

    def _link(self, path: Path, place: Path) -> None:
        if not place.is_symlink():
            place.symlink_to(path.readlink())
            target = path.parent / path.readlink()
            if path.is_dir():
                self._place(path.resolve())
            elif target.exists():
                self.carry(target)


def is_program(path: Path) -> bool:
    """Whether a file is a program or a shared library."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def programs_of(folder: Path) -> Iterator[Path]:
    """Programs and shared libraries there."""
    return filter(is_program, folder.rglob("*"))


def linked_with(path: Path) -> set[Path]:
    """The shared libraries that a program or library is linked with."""
    listed = subprocess.run(
        ["/usr/bin/ldd", path], check=False, capture_output=True, text=True
    ).stdout
    if "not found" in listed:
        sys.exit(f"{path} needs what is not here:\n{listed}")
    return {Path(found) for found in re.findall(r"(?:=>\s|^\s*)(/\S+) \(0x", listed, re.MULTILINE)}


def by_name(name: str) -> Path:
    """Where the loader finds a shared library."""
    known = subprocess.run(["/sbin/ldconfig", "-p"], check=True, capture_output=True, text=True)
    return Path(re.findall(rf"^\t{re.escape(name)} .*=> (\S+)$", known.stdout, re.MULTILINE)[0])


def take_system(root: Root, venv: Path) -> None:
    """The interpreter that the virtual environment's is a link to, and what all of it needs."""
    root.carry(Path(sys.executable))
    root.carry(Path(sys.executable).resolve())
    for kind in ("stdlib", "platstdlib"):
        root.carry(Path(sysconfig.get_path(kind)))
    for path in [*map(Path, SETTINGS_OF_THE_SYSTEM), *map(Path, CERTIFICATES)]:
        if path.exists():
            root.carry(path)
    needed = set(map(by_name, LOADED_BY_NAME))
    for folder in (root.folder, venv):
        needed |= {library for path in programs_of(folder) for library in linked_with(path)}
    for library in needed | {each for found in needed for each in linked_with(found)}:
        if not library.is_relative_to(venv):
            root.carry(library)
    (root.folder / "etc/passwd").write_text(USERS)
    (root.folder / "etc/group").write_text(GROUPS)
    for name, mode in {"dev": 0o755, "proc": 0o755, "sys": 0o755, "tmp": 0o1777}.items():
        (root.folder / name).mkdir(exist_ok=True)
        (root.folder / name).chmod(mode)


def tell_packages(root: Root) -> None:
    """Say which of Debian's packages files are from, where scanners look; and their licences."""
    owners = {}
    for listing in Path("/var/lib/dpkg/info").glob("*.list"):
        for line in listing.read_text().splitlines():
            owners[str(Path(line).parent.resolve() / Path(line).name)] = listing.stem
    files = [path for path in root.folder.rglob("*") if not path.is_dir()]
    found = {owners.get(f"/{path.relative_to(root.folder)}", "") for path in files} - {""}
    names = {owner.partition(":")[0] for owner in found}
    told = root.folder / "var/lib/dpkg/status.d"
    told.mkdir(parents=True)
    for paragraph in Path("/var/lib/dpkg/status").read_text().strip().split("\n\n"):
        name = paragraph.partition("\n")[0].removeprefix("Package: ")
        if name in names:
            (told / name).write_text(paragraph + "\n")
            licence = Path("/usr/share/doc") / name / "copyright"
            if licence.exists():
                root.carry(licence)


def take_packages(venv: Path, libraries: Path, product: Path) -> None:
    """The virtual environment, in two: what is Whatchat's, and all else."""
    shutil.copytree(
        venv,
        libraries,
        symlinks=True,
        ignore=shutil.ignore_patterns("__pycache__", "tests", "testdata"),
    )
    scripts = libraries / "bin"
    for script in scripts.iterdir():
        if not script.name.startswith("python"):
            script.unlink()
    for ours in [*libraries.glob("lib/python3*/site-packages/whatchat*")]:
        place = product / ours.relative_to(libraries)
        place.parent.mkdir(parents=True, exist_ok=True)
        ours.rename(place)
    (product / "bin").mkdir()
    shutil.copy2(venv / "bin/whatchat", product / "bin/whatchat")


def drop_symbols(layer: Path) -> None:
    """Cut off libraries what no loader reads, which is debuggers' and most of uvloop's.

    What is loaded is in segments; sections, and the table of them, are for linkers and debuggers.
    """
    for path in programs_of(layer):
        content = bytearray(path.read_bytes())
        if content[4:6] != b"\x02\x01":  # not of 64 bits, little end first
            continue
        start, size, count = struct.unpack_from("<Q14xHH", content, 32)
        end = start + size * count
        for header in range(start, end, size):
            offset, length = struct.unpack_from("<8xQ16xQ", content, header)
            end = max(end, offset + length)
        struct.pack_into("<Q", content, 40, 0)  # no table of sections,
        struct.pack_into("<HHH", content, 58, 0, 0, 0)  # none in it, and none with their names
        path.write_bytes(content[:end])


def compile_all(layer: Path) -> None:
    """Bytecode that is used as it is: neither a file's time nor its text is looked at."""
    compileall.compile_dir(
        layer,
        maxlevels=100,
        quiet=1,
        stripdir=str(layer),
        prependdir="/",
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )


def settle(layer: Path) -> None:
    """Give everything the same time, and nobody the right to change it."""
    for path in [layer, *layer.rglob("*")]:
        if not path.is_symlink() and path.name != "tmp":
            runs = path.is_dir() or path.parent.name == "bin" or is_program(path)
            path.chmod(0o755 if runs else 0o644)
    for path in [*layer.rglob("*"), layer]:
        os.utime(path, (EPOCH, EPOCH), follow_symlinks=False)


def main(destination: Path, venv: Path, *folders: Path) -> None:
    """Put it together."""
    layers = {name: destination / name for name in ("system", "libraries", "product", "state")}
    system = Root(layers["system"])
    system.folder.mkdir(parents=True)
    take_system(system, venv)
    tell_packages(system)
    inside = venv.relative_to("/")
    take_packages(venv, layers["libraries"] / inside, layers["product"] / inside)
    for folder in folders:
        shutil.copytree(folder, layers["product"] / folder.relative_to("/"))
    (layers["state"] / "data").mkdir(parents=True)
    drop_symbols(layers["libraries"])
    for layer in layers.values():
        compile_all(layer)
        settle(layer)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
