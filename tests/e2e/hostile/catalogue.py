"""All kinds of hostility, by name."""

from collections.abc import Mapping
from typing import Final

from tests.e2e.hostile import floods, frames, lingering, packets, requests
from tests.e2e.hostile.kind import Kind

QUICK: Final[Mapping[str, Kind]] = {**frames.KINDS, **packets.KINDS, **requests.KINDS}
"""Those that are over at once."""

FLOODS: Final[Mapping[str, Kind]] = floods.KINDS
LINGERING: Final[Mapping[str, Kind]] = lingering.KINDS
ALL: Final[Mapping[str, Kind]] = {**QUICK, **FLOODS, **LINGERING}
