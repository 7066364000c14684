"""The generated documents and their copies under ``docs/``."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from whatchat.domain.contract import Catalogue
from whatchat.entrypoints.schema.asyncapi import asyncapi
from whatchat.entrypoints.schema.components import Json
from whatchat.entrypoints.schema.openapi import admin_openapi, openapi

__all__ = ["DOCUMENTS", "admin_openapi", "has_drifted", "render"]

DOCUMENTS: Mapping[str, Callable[[Catalogue], Json]] = {"openapi": openapi, "asyncapi": asyncapi}
"""What is served to everybody; the admin API's document is not."""


def render(document: Json) -> str:
    """The document as text, the same for the same catalogue."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def has_drifted(text: str, kept: Path) -> bool:
    """Whether the copy in ``kept`` is missing or says something else."""
    return not kept.is_file() or kept.read_text(encoding="utf-8") != text
