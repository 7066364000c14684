"""What a browser opens: the playground, and the documents of the API."""

import os
from importlib import resources
from pathlib import PurePath

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from whatchat.domain.contract import Catalogue
from whatchat.entrypoints.schema.documents import DOCUMENTS, render

_SERVED = frozenset({"", ".css", ".html", ".ico", ".js", ".png", ".svg", ".webmanifest", ".woff2"})


class WebAssets(StaticFiles):
    """The files of a package that are meant for browsers, and no others."""

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        if PurePath(path).suffix not in _SERVED:
            return "", None
        return super().lookup_path(path)


def page_routes(catalogue: Catalogue) -> list[BaseRoute]:
    """``/``, ``/docs``, ``/openapi.json`` and ``/asyncapi.json``, the latter made once."""
    documents = {name: generate(catalogue) for name, generate in DOCUMENTS.items()}
    reference = (resources.files("whatchat.playground") / "docs.html").read_text()
    return [
        _fixed("/docs", reference, "text/html"),
        *(
            _fixed(f"/{name}.json", render(document), "application/json")
            for name, document in documents.items()
        ),
        Mount("/", WebAssets(packages=[("whatchat.playground", "")], html=True)),
    ]


def _fixed(path: str, content: str, media_type: str) -> Route:
    async def answer(_request: Request) -> Response:
        return Response(content, media_type=media_type)

    return Route(path, answer)
