"""What browsers are told, whatever was asked for and however it was answered."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.node_process import NodeProcess

POLLING = "/socket.io/?EIO=4&transport=polling"
ORIGIN = "https://app.example"
PAGES = ("/", "/docs")
DATA = {
    "/app.js": 200,
    "/openapi.json": 200,
    "/livez": 200,
    "/readyz": 200,
    "/metrics": 200,
    "/nowhere": 404,
    "/api/nowhere": 404,
    "/api/rooms": 401,
    "/api/auth/login": 405,
    POLLING: 200,
    f"{POLLING}&sid=unknown": 400,
    f"{POLLING}&token=x": 400,
}
INLINE = re.compile(
    r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE
)


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    node = NodeProcess(tmp_path_factory.mktemp("node"), {"WHATCHAT_CORS_ORIGINS": ORIGIN})
    node.start()
    with httpx.Client(base_url=node.url) as http:
        yield http
    node.close()


@pytest.mark.parametrize(("path", "status"), [*((page, 200) for page in PAGES), *DATA.items()])
def test_every_answer_says_what_may_be_done_with_it(
    http: httpx.Client, path: str, status: int
) -> None:
    answer = http.get(path)
    assert answer.status_code == status
    told = answer.headers
    assert told["x-content-type-options"] == "nosniff"
    assert told["referrer-policy"] == "no-referrer"
    assert told["cross-origin-resource-policy"] == "same-origin"
    assert told["content-security-policy"].startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in told["content-security-policy"]
    assert ("sandbox" in told["content-security-policy"]) is (path not in PAGES)
    assert not {"server", "x-powered-by", "strict-transport-security", "set-cookie"} & told.keys()
    if path in PAGES:
        assert told["cross-origin-opener-policy"] == "same-origin"
        assert "camera=()" in told["permissions-policy"]
        assert INLINE.search(answer.text) is None


@pytest.mark.parametrize("path", ["/api/rooms", POLLING])
def test_only_pages_of_listed_origins_may_read(http: httpx.Client, path: str) -> None:
    listed = http.get(path, headers={"Origin": ORIGIN})
    assert listed.headers["access-control-allow-origin"] == ORIGIN
    for origin in ("https://evil.example", "null", f"{ORIGIN}.evil.example", "http://app.example"):
        told = http.get(path, headers={"Origin": origin}).headers
        assert "access-control-allow-origin" not in told
    for told in (listed.headers, http.get("/api/rooms").headers):
        assert "access-control-allow-credentials" not in told
        assert "Origin" in told["vary"]


@pytest.mark.parametrize("path", ["/api/rooms", POLLING])
def test_what_a_page_may_ask_is_kept_for_a_while(http: httpx.Client, path: str) -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    answer = http.options(path, headers=asked)
    assert answer.status_code == 200
    assert int(answer.headers["access-control-max-age"]) >= 600
    assert answer.headers["access-control-allow-origin"] == ORIGIN


def test_no_file_of_the_page_has_anything_inline() -> None:
    folder = Path(__file__).parents[2] / "src/whatchat/playground"
    for page in folder.glob("*.html"):
        assert INLINE.search(page.read_text()) is None, page.name
    scripts = [path for path in folder.rglob("*.js") if "vendor" not in path.parts]
    assert len(scripts) > 40
    for script in scripts:
        text = script.read_text()
        sinks = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(")
        assert not any(sink in text for sink in sinks), script.name
