"""How the guards of the product are taken out, one at a time, in this process."""

import contextlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.security import test_access_by_id as access
from tests.security import test_audit as audit
from tests.security import test_blocks as blocks
from tests.security import test_broker as broker
from tests.security import test_enumeration as enumeration
from tests.security import test_handshake as handshakes
from tests.security import test_injection as injection
from tests.security import test_limits as limits
from tests.security import test_live_sessions as sessions
from tests.security import test_logs as logs
from tests.security import test_mass_assignment as assignment
from tests.security import test_payloads as payloads
from tests.security import test_private_rooms as rooms
from tests.security import test_refresh as refresh
from tests.security import test_tokens as tokens
from tests.security.forging import segment
from whatchat.audit import exporting
from whatchat.domain.errors import NotFound
from whatchat.domain.ports.blocks import Blocked
from whatchat.entrypoints.decoding import decode_command as _decode_command
from whatchat.entrypoints.quotas import charges_of as _charges_of
from whatchat.features.sessions.contract import RefreshSession

Attack = Callable[[Any], Awaitable[None]]
Out = Callable[[pytest.MonkeyPatch], None]

_decode = jwt.decode


def replaced(path: str, stand_in: object) -> Out:
    """Put this in the place of what stands there."""

    def out(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(path, stand_in)

    return out


def checked_without(**options: bool) -> Out:
    """Have tokens checked by the library with some of its checks off."""
    chosen: Any = {"verify_iss": False, **options}

    def decode(token: str, key: Any, **arguments: Any) -> Any:
        kept = {"algorithms": arguments["algorithms"], "audience": arguments["audience"]}
        return _decode(token, key, options=chosen, **kept)

    return replaced("jwt.decode", decode)


def _unverified(token: str, *_: object, **__: object) -> Any:
    return _decode(token, options={"verify_signature": False})


def _by_the_tokens_own_algorithm(token: str, key: Any, **arguments: Any) -> Any:
    """What made the attack famous: the header says how to use the key."""
    if jwt.get_unverified_header(token)["alg"] != "HS256":
        return _decode(token, key, **arguments)
    signed, _, signature = token.rpartition(".")
    secret = key.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    if segment(hmac.digest(secret, signed.encode(), "sha256")) != signature:
        raise jwt.InvalidSignatureError
    return _unverified(token)


def _without_end(patch: pytest.MonkeyPatch) -> None:
    checked_without(verify_exp=False)(patch)
    patch.setattr("whatchat.entrypoints.dispatch.Dispatch._authorise", lambda _s, _e, who: who)


async def _prolong_anything(endpoint: Any, actor: Any, command: Any) -> Any:
    service = endpoint.service
    if not isinstance(command, RefreshSession):
        return await endpoint.row.run(service, actor, command)
    fresh = await service._authenticator.authenticate(command.token, actor.address)
    service._live.extend(msgspec.structs.replace(fresh, session_id=actor.session_id))
    return {"expiresIn": 1}


def _decode_known_fields(kind: Any, fields: Any, **options: Any) -> Any:
    names = {one.encode_name for one in msgspec.structs.fields(kind)}
    known = {name: value for name, value in fields.items() if name in names}
    return _decode_command(kind, known, **options)


def _decode_as_text(kind: Any, fields: Any, **options: Any) -> Any:
    text = {name: str(one) if isinstance(one, dict) else one for name, one in fields.items()}
    return _decode_command(kind, text, **options)


def _lenient(decode: Callable[..., Any]) -> Out:
    def out(patch: pytest.MonkeyPatch) -> None:
        patch.setattr("whatchat.entrypoints.dispatch.decode_command", decode)
        patch.setattr("whatchat.entrypoints.dispatch._decoded", decode)

    return out


def _grant_alone(_tokens: Any, token: str) -> Any:
    return token.partition(".")[0]


def _anybody_is_an_admin(state: Any, user_id: Any) -> Any:
    return state.members[user_id]


def _not_found_or_private(record: Any) -> Exception:
    """An answer that tells a room of others from one that never was."""
    return NotFound("no such room" if record is None else "not your room", field="roomId")


async def _nobody_is_blocked(_blocks: Any, _user: Any) -> Blocked:
    return Blocked(blocks=frozenset(), blocked_by=frozenset())


def _blocks_out(patch: pytest.MonkeyPatch) -> None:
    async def around_all(_blocks: Any, users: Any) -> Any:
        return {user: await _nobody_is_blocked(None, user) for user in users}

    patch.setattr("whatchat.features.blocking.blocks.CachedBlocks.around", _nobody_is_blocked)
    patch.setattr("whatchat.features.blocking.blocks.CachedBlocks.around_all", around_all)


def _address_as_told(scope: Any, _trusted: Any = ()) -> str:
    """The left-most hop, which anybody can write."""
    told = dict(scope["headers"]).get(b"x-forwarded-for", b"").decode().partition(",")[0]
    return told or str(scope["client"][0])


def _each_device_for_itself(cost: Any, caller: Any, units: int) -> Any:
    return _charges_of(cost, caller, units)[:1]


class _FitsAll:
    """A digest that agrees with every other."""

    def __ne__(self, _other: object) -> bool:
        return False


async def _not_looked_for(_verifier: Any) -> None:
    return None


def _whoever_signed_it(_evidence: Any, head: Any) -> str | None:
    return None if head.is_signed else "its signature is wrong"


def _read_whatever_it_says(one: Any) -> Any:
    with contextlib.suppress(msgspec.DecodeError):
        return exporting._told.decode(one.body)
    return None


def _readable_from_the_start(_record: Any, _member: Any) -> int:
    return 0


VERIFYING: Final = "whatchat.audit.verifying"
VERIFIER: Final = f"{VERIFYING}.Verifier"
ACCOUNTS: Final = "whatchat.features.accounts"
HANDSHAKE: Final = "whatchat.entrypoints.handshake"

GUARDS: Final[Mapping[Attack, Out]] = {
    tokens.test_algorithm_none: replaced("jwt.decode", _unverified),
    tokens.test_public_key_as_a_secret: replaced("jwt.decode", _by_the_tokens_own_algorithm),
    tokens.test_key_id_injection: replaced(
        f"{ACCOUNTS}.keys.KeyRing.named", lambda ring, _kid: ring.all
    ),
    tokens.test_foreign_issuer: checked_without(verify_iss=False),
    tokens.test_foreign_audience: checked_without(verify_aud=False),
    tokens.test_wrong_type: replaced(
        f"{ACCOUNTS}.access_tokens.AccessTokens._keys_named_by",
        lambda self, token: self._keys.named(jwt.get_unverified_header(token).get("kid")),
    ),
    tokens.test_expired: _without_end,
    tokens.test_signature_stripped_or_borrowed: replaced("jwt.decode", _unverified),
    refresh.test_replayed_refresh: replaced(
        f"{ACCOUNTS}.revocations.Revocations.revoke", lambda _self, _grants: None
    ),
    refresh.test_refresh_repeated_with_another_nonce: replaced(
        f"{ACCOUNTS}.refresh_tokens.RefreshTokens.nonce_hash", lambda _self, _nonce: b""
    ),
    refresh.test_forged_refresh_tokens: replaced(
        f"{ACCOUNTS}.refresh_tokens.RefreshTokens.grant_of", _grant_alone
    ),
    sessions.test_token_that_ends_on_a_live_socket: replaced(
        "whatchat.realtime.lifetimes.Lifetimes.watch", lambda _self, _connection: None
    ),
    sessions.test_prolonging_with_a_token_of_somebody_else: replaced(
        "whatchat.domain.contract.BoundEndpoint.__call__", _prolong_anything
    ),
    sessions.test_revoked_on_another_pod: replaced(
        f"{ACCOUNTS}.revocations.Revocations._poll", lambda _self: _nothing()
    ),
    handshakes.test_socket_of_a_foreign_page: replaced(
        f"{HANDSHAKE}.HandshakePolicy._is_allowed", lambda *_: True
    ),
    handshakes.test_origins_that_look_right: replaced(
        f"{HANDSHAKE}.HandshakePolicy._is_allowed",
        lambda policy, origin, _: origin.startswith(tuple(policy._origins)),
    ),
    handshakes.test_token_in_the_address: replaced(
        f"{HANDSHAKE}._flaw_of_query", lambda _query: None
    ),
    handshakes.test_script_of_a_foreign_page: replaced(
        f"{HANDSHAKE}._flaw_of_query", lambda _query: None
    ),
    assignment.test_fields_that_are_not_the_callers_to_set: _lenient(_decode_known_fields),
    injection.test_operators_in_place_of_text: _lenient(_decode_as_text),
    logs.test_lines_and_escapes_in_a_path: replaced(
        "whatchat.observability.logging.escape", lambda _logger, _method, event: event
    ),
    logs.test_names_that_read_backwards: replaced(
        "whatchat.domain.text._refuse", lambda _found, _field: None
    ),
    access.test_acts_of_admins_by_a_member: replaced(
        "whatchat.features.rooms.rules.require_admin", _anybody_is_an_admin
    ),
    rooms.test_history_from_before_joining: replaced(
        "whatchat.domain.room_state.RoomRecord.readable_from", _readable_from_the_start
    ),
    rooms.test_search_across_rooms: replaced(
        "whatchat.domain.room_state.RoomRecord.readable_from", _readable_from_the_start
    ),
    rooms.test_joining_a_private_room: replaced(
        "whatchat.features.rooms.rules.is_public", lambda _record: True
    ),
    blocks.test_message_of_a_blocked_person: _blocks_out,
    blocks.test_reply_and_reaction_of_a_blocked_person: _blocks_out,
    blocks.test_typing_across_a_block: _blocks_out,
    blocks.test_presence_across_a_block: _blocks_out,
    blocks.test_receipts_across_a_block: _blocks_out,
    blocks.test_adding_somebody_who_has_blocked_one: _blocks_out,
    blocks.test_direct_room_opened_by_a_blocked_person: _blocks_out,
    enumeration.test_rooms_by_their_ids: replaced(
        "whatchat.features.rooms.service.not_a_member", _not_found_or_private
    ),
    limits.test_guessing_behind_a_forged_address: replaced(
        "whatchat.entrypoints.http.client_address", _address_as_told
    ),
    limits.test_guessing_behind_a_trusted_proxy: replaced(
        "whatchat.entrypoints.http.client_address", _address_as_told
    ),
    limits.test_many_devices_of_one_person: replaced(
        "whatchat.entrypoints.limits.charges_of", _each_device_for_itself
    ),
    limits.test_many_pods: replaced(
        "whatchat.adapters.redis.limiter.RedisLimiter.charge",
        lambda self, charges: self._fallback.charge(charges),
    ),
    broker.test_forged_events_for_a_room: replaced(
        "whatchat.adapters.redis.envelope.hmac.compare_digest", lambda _one, _other: True
    ),
    broker.test_forged_membership: replaced(
        "whatchat.adapters.redis.envelope.hmac.compare_digest", lambda _one, _other: True
    ),
    payloads.test_oversize_packet: replaced(
        "whatchat.realtime.link.Transport.max_payload_bytes", 1 << 20
    ),
    audit.test_edited_record: replaced(f"{VERIFYING}.digest_of", lambda *_: _FitsAll()),
    audit.test_swapped_bodies: replaced(f"{VERIFYING}.digest_of", lambda *_: _FitsAll()),
    audit.test_edited_actor_with_a_digest_that_fits: replaced(
        f"{VERIFIER}._examine", lambda self, one, after: self._compare(one, after)
    ),
    audit.test_past_written_anew: replaced(f"{VERIFIER}._compare", lambda *_: None),
    audit.test_older_copy_of_the_whole_log: replaced(f"{VERIFIER}._compare", lambda *_: None),
    audit.test_removed_record: replaced(f"{VERIFIER}._examine_place", lambda *_: None),
    audit.test_removed_head: replaced("whatchat.audit.evidence.Evidence.read", lambda *_: None),
    audit.test_cut_tail: replaced(f"{VERIFIER}._look_for_a_cut", _not_looked_for),
    audit.test_cut_tail_with_its_heads: replaced(f"{VERIFIER}._look_for_a_cut", _not_looked_for),
    audit.test_replayed_record: replaced(f"{VERIFIER}._is_misfiled", lambda *_: False),
    audit.test_head_by_another_key: replaced(
        "whatchat.audit.evidence.Evidence.fault", _whoever_signed_it
    ),
    audit.test_head_with_a_borrowed_signature: replaced(
        "whatchat.audit.heads.Head.is_signed", True
    ),
    audit.test_escapes_in_what_an_operator_reads: replaced(
        "whatchat.audit.exporting._read", _read_whatever_it_says
    ),
}
"""Attacks, and what each must succeed without."""


async def _nothing() -> None:
    return None
