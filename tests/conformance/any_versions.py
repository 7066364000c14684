"""A pytest plugin for ``make seams-latest``: the versions installed are taken for those pinned.

A pod has no such switch: this is not part of what is installed with it. As the versions are
compared when ``whatchat.realtime`` is imported, the plugin has to come first:
``python -m pytest -p tests.conformance.any_versions``.
"""

import sys
from importlib.metadata import version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Final

import whatchat


def _accept_installed() -> dict[str, str]:
    """Load the table without its package, and put in what is installed; returns the old one."""
    name = "whatchat.realtime.versions"
    path = Path(whatchat.__file__).parent / "realtime" / "versions.py"
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    pinned: dict[str, str] = dict(module.VERSIONS)
    module.VERSIONS.update({library: version(library) for library in pinned})
    return pinned


PINNED: Final = _accept_installed()


def pytest_report_header() -> list[str]:
    """Say what is tested."""
    return [f"{name} {version(name)}, pinned to {pinned}" for name, pinned in PINNED.items()]
