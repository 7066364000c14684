"""What browsers are told to do with our answers, and not to do."""

from http import HTTPStatus
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
"""A page runs our own files and talks to us; what is text stays text (Trusted Types).

``connect-src 'self'`` covers WebSockets to the same host and port (CSP 3, 6.7.2.8), in Chromium
since 71 and in Safari since 16; where a browser does not know that, the page polls.
"""

DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'; sandbox"
"""What is not a page is nothing to a browser, whoever leads it there."""

PERMISSIONS: Final = ", ".join(
    f"{feature}=()"
    for feature in (
        *("accelerometer", "camera", "display-capture", "geolocation", "gyroscope"),
        *("magnetometer", "microphone", "midi", "payment", "usb"),
    )
)

ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
ON_PAGES: Final = {
    "Content-Security-Policy": PAGE_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": PERMISSIONS,
}
ON_DATA: Final = {"Content-Security-Policy": DATA_POLICY}


class SecurityHeaders:
    """Tells browsers to trust nothing that is not ours, and nobody to keep API answers.

    ``Strict-Transport-Security`` is not among the headers: it binds a whole host for months,
    and only what ends TLS there knows whether that is right.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(ALWAYS)
                if message["status"] != HTTPStatus.NOT_MODIFIED:  # it keeps what it came with
                    is_page = headers.get("content-type", "").startswith("text/html")
                    headers.update(ON_PAGES if is_page else ON_DATA)
                is_api = scope["path"].startswith(("/api/", "/admin/"))
                headers.setdefault("Cache-Control", "no-store" if is_api else "no-cache")
            await send(message)

        await self._app(scope, receive, send_secured)
