"""The colours of all pictures of measurements."""

from typing import Final

TEAL: Final = "#0f766e"
LIME: Final = "#65a30d"
SLATE: Final = "#94a3b8"
SKY: Final = "#0369a1"
ROSE: Final = "#be185d"
VIOLET: Final = "#7c3aed"
AMBER: Final = "#f59e0b"
RED: Final = "#dc2626"

INK: Final = "#0f172a"
GREY: Final = "#64748b"
PALE: Final = "#e2e8f0"
PAPER: Final = "#ffffff"
