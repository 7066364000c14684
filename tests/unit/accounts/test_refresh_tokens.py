import pytest

from whatchat.domain.errors import Unauthenticated
from whatchat.domain.ids import GrantId
from whatchat.features.accounts.refresh_tokens import RefreshTokens, token_hash

GRANT = GrantId("grant-1")


@pytest.fixture
def tokens() -> RefreshTokens:
    return RefreshTokens(b"k" * 32)


def test_first_tokens_are_all_different(tokens: RefreshTokens) -> None:
    assert len({tokens.first(GRANT) for _ in range(100)}) == 100


def test_a_token_names_its_grant(tokens: RefreshTokens) -> None:
    token = tokens.first(GRANT)
    assert tokens.grant_of(token) == GRANT
    assert tokens.grant_of(tokens.successor(token, "nonce")) == GRANT


def test_a_successor_depends_on_token_nonce_and_secret(tokens: RefreshTokens) -> None:
    one, two = tokens.first(GRANT), tokens.first(GRANT)
    assert tokens.successor(one, "nonce") == RefreshTokens(b"k" * 32).successor(one, "nonce")
    assert tokens.successor(one, "nonce") != tokens.successor(one, "other")
    assert tokens.successor(one, "nonce") != tokens.successor(two, "nonce")


def test_a_chain_does_not_come_back_on_itself(tokens: RefreshTokens) -> None:
    token = tokens.first(GRANT)
    seen = set()
    for _ in range(50):
        seen.add(token)
        token = tokens.successor(token, "nonce")
    assert len(seen) == 50


def test_the_ids_of_access_tokens_do_not_show_the_stored_hash(tokens: RefreshTokens) -> None:
    token = tokens.first(GRANT)
    assert tokens.jti(token) == tokens.jti(token)
    assert tokens.jti(token) != tokens.jti(tokens.first(GRANT))
    assert token_hash(token).hex()[:8] not in tokens.jti(token).encode().hex()


def test_any_changed_character_is_refused(tokens: RefreshTokens) -> None:
    token = tokens.first(GRANT)
    for place in range(len(token)):
        other = "x" if token[place] != "x" else "y"
        with pytest.raises(Unauthenticated):
            tokens.grant_of(token[:place] + other + token[place + 1 :])


def test_a_token_of_another_store_is_refused(tokens: RefreshTokens) -> None:
    with pytest.raises(Unauthenticated):
        tokens.grant_of(RefreshTokens(b"x" * 32).first(GRANT))


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "a" * 512, "ü.b.c", "\ud800", "\x00"])
def test_what_is_no_token_is_refused(tokens: RefreshTokens, token: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens.grant_of(token)
    with pytest.raises(Unauthenticated):
        tokens.successor(token, "nonce")
