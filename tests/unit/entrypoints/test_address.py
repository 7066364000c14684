from ipaddress import ip_network
from typing import Any

import pytest

from whatchat.entrypoints.address import client_address

TRUSTED = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


def scope(peer: str | None, *forwarded: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    return {"client": None if peer is None else (peer, 1234), "headers": headers}


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["203.0.113.9"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["1.1.1.1", "203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["203.0.113.9, nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["nonsense, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["\xff"], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("fd00::1", ["[2001:db8::1]"], "2001:db8::1"),
        # With the port that some proxies add.
        ("10.0.0.1", ["203.0.113.9:5678"], "203.0.113.9"),
        ("10.0.0.1", ["[2001:db8::1]:5678"], "2001:db8::1"),
        ("10.0.0.1", ["203.0.113.9:"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9:99999999"], "10.0.0.1"),
        # Whatever the client puts in front is not looked at.
        ("10.0.0.1", ["10.0.0.9, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["127.0.0.1", "1.1.1.1, 203.0.113.9", "10.0.0.7"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9, , 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", [" , ,"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9\n10.0.0.1"], "10.0.0.1"),
        ("10.0.0.1", ["0203.0.113.9"], "10.0.0.1"),
        ("10.0.0.1", ["fe80::1%eth0"], "fe80::1"),
        ("unix", ["203.0.113.9"], "unix"),
        (None, ["203.0.113.9"], "unknown"),
    ],
)
def test_the_right_most_hop_that_is_not_ours_counts(
    peer: str | None, forwarded: list[str], expected: str
) -> None:
    assert client_address(scope(peer, *forwarded), TRUSTED) == expected


def test_without_trusted_proxies_nothing_forwarded_counts() -> None:
    assert client_address(scope("10.0.0.1", "203.0.113.9"), []) == "10.0.0.1"


@pytest.mark.parametrize(
    "header",
    [b"forwarded", b"x-real-ip", b"x-client-ip", b"true-client-ip", b"x_forwarded_for"],
)
def test_no_other_header_counts(header: bytes) -> None:
    forged = scope("10.0.0.1")
    forged["headers"] = [(header, b"for=203.0.113.9"), (header, b"203.0.113.9")]
    assert client_address(forged, TRUSTED) == "10.0.0.1"
