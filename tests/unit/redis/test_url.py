"""Reading Redis URLs."""

import pytest

from whatchat.adapters.redis.url import RedisUrl, parse
from whatchat.domain.errors import Unavailable


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://host", RedisUrl(kind="single", addresses=(("host", 6379),))),
        ("redis://host:7000/3", RedisUrl(kind="single", addresses=(("host", 7000),), database=3)),
        ("redis://[::1]:7000/", RedisUrl(kind="single", addresses=(("::1", 7000),))),
        (
            "redis://us%40er:p%2Fw@host",
            RedisUrl(kind="single", addresses=(("host", 6379),), username="us@er", password="p/w"),
        ),
        ("redis://:pw@host", RedisUrl(kind="single", addresses=(("host", 6379),), password="pw")),
        ("rediss://host", RedisUrl(kind="single", addresses=(("host", 6379),), tls=True)),
        (
            "rediss://host?ca=/etc/ca.crt",
            RedisUrl(kind="single", addresses=(("host", 6379),), tls=True, ca="/etc/ca.crt"),
        ),
        (
            "redis+sentinel://:pw@a:1,b/mymaster/2?sentinel_password=spw",
            RedisUrl(
                kind="sentinel",
                addresses=(("a", 1), ("b", 26379)),
                password="pw",
                sentinel_password="spw",
                master="mymaster",
                database=2,
            ),
        ),
        (
            "redis+cluster://a:1,b:2?tls=true",
            RedisUrl(kind="cluster", addresses=(("a", 1), ("b", 2)), tls=True),
        ),
    ],
)
def test_what_a_url_says(url: str, expected: RedisUrl) -> None:
    assert parse(url) == expected


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://host", "scheme"),
        ("redis://", "host"),
        ("redis://:pw@", "host"),
        ("redis://host:port", "ort"),
        ("redis://host:99999", "ort"),
        ("redis://a,b", "several hosts"),
        ("redis://host/one", "database"),
        ("redis://host/1/2", "database"),
        ("redis://host?timeout=1", "option timeout"),
        ("redis+sentinel://a:1", "master"),
        ("redis+cluster://a:1/2", "database"),
    ],
)
def test_what_is_wrong_is_said_without_the_password(url: str, complaint: str) -> None:
    with pytest.raises(Unavailable, match=complaint) as error:
        parse(url)
    assert "pw" not in error.value.text


def test_secrets_are_not_shown() -> None:
    url = parse("redis+sentinel://user:pw-1@a:1/master?sentinel_password=pw-2")
    assert "pw-" not in repr(url)
