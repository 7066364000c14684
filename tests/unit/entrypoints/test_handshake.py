"""What is refused before the engine looks at it."""

from typing import Any

import pytest

from whatchat.entrypoints.handshake import MAX_PARAMETERS, HandshakePolicy
from whatchat.realtime.refusals import BAD_REQUEST, FORBIDDEN

OURS = "https://chat.example"


def scope(query: str = "EIO=4&transport=polling", **headers: str) -> dict[str, Any]:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "websocket", "query_string": query.encode("latin-1"), "headers": raw}


@pytest.mark.parametrize(
    "query",
    [
        "",
        "EIO=4&transport=websocket",
        "EIO=4&transport=polling&t=abc&sid=a-b_c&b64=1",
        "EIO=3",
        "a&&b&",
        "name=token",
        "x=%26token%3D1",
        "&".join(f"p{number}" for number in range(MAX_PARAMETERS)),
    ],
)
def test_what_a_client_may_ask_is_left_to_the_engine(query: str) -> None:
    assert HandshakePolicy().refusal(scope(query)) is None


@pytest.mark.parametrize(
    "query",
    [
        "token=x",
        "token",
        "a=1&TOKEN=x",
        "access_token=x",
        "accessToken=x",
        "Authorization=x",
        "auth=x",
        "t%6fken=x",
        "%74%6F%6B%65%6E",
        "j=0",
        "%6A=0",
        "EIO=4&EIO=4",
        "EIO=4&%45IO=4",
        "sid=a&SID=b",
        "&".join(f"p{number}" for number in range(MAX_PARAMETERS + 1)),
    ],
)
def test_secrets_jsonp_and_what_is_there_twice_are_refused(query: str) -> None:
    assert HandshakePolicy(cors_origins=["*"]).refusal(scope(query)) == BAD_REQUEST


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (OURS, "elsewhere.example"),
        ("http://pod.example", "pod.example"),
        ("http://pod.example:80", "pod.example"),
        ("https://pod.example", "pod.example:443"),
        ("http://[::1]:8000", "[::1]:8000"),
        ("http://POD.example", "pod.EXAMPLE"),
    ],
)
def test_own_pages_and_those_configured_may_shake_hands(origin: str, host: str) -> None:
    policy = HandshakePolicy(cors_origins=[OURS])
    assert policy.refusal(scope(host=host, origin=origin)) is None


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://chat.example.evil.example",
        "https://chat.example:8443",
        "http://chat.example",
        "null",
        "",
        "x",
        "http://[",
        "http://pod.example:99999",
        "http://pod.example@evil.example",
        "\xff",
    ],
)
def test_foreign_pages_may_not(origin: str) -> None:
    policy = HandshakePolicy(cors_origins=[OURS])
    assert policy.refusal(scope(host="pod.example", origin=origin)) == FORBIDDEN


def test_one_foreign_origin_among_several_is_enough() -> None:
    request = scope(host="pod.example", origin="http://pod.example")
    request["headers"].append((b"origin", b"https://evil.example"))
    assert HandshakePolicy().refusal(request) == FORBIDDEN


def test_without_a_host_no_page_is_our_own() -> None:
    assert HandshakePolicy().refusal(scope(origin="http://pod.example")) == FORBIDDEN


def test_any_origin_may_be_allowed() -> None:
    policy = HandshakePolicy(cors_origins=["*"])
    assert policy.refusal(scope(host="pod.example", origin="null")) is None


def test_a_foreign_page_learns_nothing_about_its_query() -> None:
    assert HandshakePolicy().refusal(scope("token=x", origin="null")) == FORBIDDEN
