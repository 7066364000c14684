"""The image, built once."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.image.buildah import Buildah
from tests.image.container import Container

NAME = "localhost/whatchat:test"
LOAD_NAME = "localhost/whatchat-load:test"
VERSION, REVISION, SOURCE = "1.2.3", "0123abc", "https://git.example/whatchat"
USER = 10001


class Image(NamedTuple):
    """What was built."""

    name: str
    config: dict[str, Any]
    root: Path
    buildah: Buildah


@pytest.fixture(scope="session")
def image() -> Iterator[Image]:
    """The image, and its file system."""
    buildah = Buildah()
    with buildah.alone():
        buildah.build(NAME, VERSION=VERSION, REVISION=REVISION, SOURCE=SOURCE)
        with buildah.mounted(NAME) as root:
            yield Image(NAME, buildah.inspect(NAME)["Docker"]["config"], root, buildah)


@pytest.fixture(scope="session")
def load_image(image: Image) -> Iterator[Image]:
    """The image of load tests."""
    image.buildah.build(LOAD_NAME, target="load")
    with image.buildah.mounted(LOAD_NAME) as root:
        config = image.buildah.inspect(LOAD_NAME)["Docker"]["config"]
        yield Image(LOAD_NAME, config, root, image.buildah)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A volume that the image's user owns, as a runtime makes it of an empty folder there."""
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    volume = tmp_path / "data"
    volume.mkdir(mode=0o700)
    os.chown(volume, USER, USER)
    return volume


@pytest.fixture
def run(image: Image) -> Callable[..., Container]:
    """Starts a container of the image."""

    def start(*arguments: str, **settings: Any) -> Container:
        return Container(image.root, image.config, arguments or None, **settings)

    return start
