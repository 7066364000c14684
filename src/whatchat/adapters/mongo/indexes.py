"""Every index, by name. A specification never changes under its name: a new one is a new name."""

from collections.abc import Mapping
from typing import Final

from pymongo import ASCENDING, DESCENDING, IndexModel

LOG_ORDER: Final = "log_order"
LOG_ONCE: Final = "log_once"
LOG_MESSAGES: Final = "log_messages"
LOG_UNCOUNTED: Final = "log_uncounted"
LOG_HIDDEN: Final = "log_hidden_order"
LOG_HIDDEN_CHANGED: Final = "log_hidden_changed"
LOG_HIDDEN_WORDS: Final = "log_hidden_words"
LOG_PARTLY_HIDDEN: Final = "log_partly_hidden"
LOG_CHANGED: Final = "log_changed"
LOG_TARGETS: Final = "log_targets"
LOG_PENDING: Final = "log_pending"
LOG_PROJECTION: Final = "log_projection"
LOG_CONCERNED: Final = "log_concerned"
LOG_STORED: Final = "log_stored"
LOG_ROOM_CHANGES: Final = "log_room_changes"
LOG_WORDS: Final = "log_words"
LOG_EXPIRING: Final = "log_expiring"
LOG_UNDELIVERED: Final = "log_undelivered_order"
MEMBERS_SHOWN: Final = "members_shown"
REPORTS_ONCE: Final = "reports_once"

REVOCATIONS_KEPT_SECONDS: Final = 7200
LIFTED_BLOCKS_KEPT_SECONDS: Final = 7200
LEASES_KEPT_SECONDS: Final = 7 * 86_400


def _index(name: str, *keys: str, **options: object) -> IndexModel:
    """An index on ``keys``, of which one that begins with ``-`` descends."""
    pairs = [(key.lstrip("-"), DESCENDING if key[0] == "-" else ASCENDING) for key in keys]
    return IndexModel(pairs, name=name, **options)


def _where(field: str, value: object | None = None) -> Mapping[str, object]:
    """What makes an index partial: ``field`` is there, or has this value."""
    return {"partialFilterExpression": {field: {"$exists": True} if value is None else value}}


INDEXES: Final[Mapping[str, list[IndexModel]]] = {
    "log": [
        _index(LOG_ORDER, "room_id", "rev", unique=True),
        _index(LOG_ONCE, "room_id", "actor_id", "client_id", unique=True),
        # Covers counting the unread ones, and the time of the newest.
        _index(LOG_MESSAGES, "room_id", "seq", "actor_id", "at", **_where("seq")),
        # Few: what is taken off that count, with its mark in the keys, so that no document has to
        # be looked at for it; and messages that their room's people see differently.
        _index(
            LOG_UNCOUNTED,
            *("room_id", "seq", "actor_id", "uncounted"),
            **_where("uncounted", value=True),
        ),
        _index(LOG_PARTLY_HIDDEN, "room_id", "message.open_rev", **_where("message.open_rev")),
        _index(LOG_CHANGED, "room_id", "message.rev", **_where("message.rev")),
        # Messages that their sender alone sees are in none of those above and below that others
        # look into: whoever is blocked could fill these without end.
        _index(LOG_HIDDEN, "hidden_in", "rev", "at", **_where("hidden_in")),
        _index(LOG_HIDDEN_CHANGED, "hidden_in", "hidden_rev", **_where("hidden_rev")),
        _index(
            LOG_HIDDEN_WORDS,
            *("hidden_words", "actor_id", "at", "rev"),
            **_where("hidden_words"),
        ),
        _index(LOG_TARGETS, "room_id", "target", **_where("target")),
        _index(LOG_PENDING, "pending", "room_id", "rev", **_where("pending")),
        # The same for one room. What is projected stays: a look for what is not would otherwise
        # step over each key that was ever removed, for as long as snapshots may need it.
        _index(LOG_PROJECTION, "room_id", "projection", "rev", **_where("projection")),
        _index(LOG_CONCERNED, "concerned", **_where("concerned")),
        _index(LOG_STORED, "stored_at"),
        _index(LOG_ROOM_CHANGES, "room_changed_at", **_where("room_changed_at")),
        # The messages of each room that have a word, in the order of time.
        _index(LOG_WORDS, "words", "room_id", "at", "seq", **_where("words")),
        _index(LOG_UNDELIVERED, "room_id", "rev", **_where("undelivered", value=True)),
        _index(LOG_EXPIRING, "expiring_at", "_id", **_where("expiring_at")),
    ],
    "rooms": [
        _index("rooms_public", "-last_activity", "-_id", **_where("public", value=True)),
    ],
    "members": [
        # Whoever is in has a place since ``joined_seq``.
        _index("members_room", "room_id", "user_id", **_where("joined_seq")),
        _index("members_user", "user_id", "room_id", "joined_seq", **_where("joined_seq")),
        _index("members_admins", "room_id", "joined_seq", **_where("role", "admin")),
        _index(MEMBERS_SHOWN, "room_id", "shown_at", **_where("shown_at")),
    ],
    "accounts": [
        _index("accounts_username", "username", unique=True),
        _index("accounts_changed", "changed_at", **_where("changed_at")),
        _index("accounts_excluded", "excluded_at", **_where("excluded_at")),
        _index("accounts_banned", "username", **_where("banned_at")),
        _index("accounts_names", "display_name_parts", "username"),
    ],
    "devices": [
        _index("devices_user", "user_id", "-last_seen_at", "device_id"),
        _index("devices_grant", "grant_id", unique=True, **_where("grant_id")),
        _index("devices_forgotten", "forget_at", expireAfterSeconds=0),
    ],
    "revocations": [
        _index("revocations_over", "revoked_at", expireAfterSeconds=REVOCATIONS_KEPT_SECONDS),
    ],
    "blocks": [
        _index("blocks_made", "blocker_id", "-since", "-blocked_id", **_where("since")),
        _index("blocks_met", "blocked_id", "blocker_id", **_where("since")),
        _index("blocks_changed", "changed_at"),
        _index("blocks_lifted", "lifted_at", expireAfterSeconds=LIFTED_BLOCKS_KEPT_SECONDS),
    ],
    "audit_pending": [
        _index("audit_pending_once", "record_id", unique=True),
    ],
    "audit_chain": [
        _index("audit_chain_order", "seq", unique=True),
        _index("audit_chain_once", "record_id", unique=True),
    ],
    "reports": [
        _index(
            REPORTS_ONCE,
            *("reporter_id", "user_id", "message_id"),
            unique=True,
            partialFilterExpression={"open": True},
        ),
        _index("reports_about", "user_id", **_where("open", value=True)),
        _index("reports_open", "-at", "-_id", **_where("open", value=True)),
        _index("reports_resolved", "-at", "-_id", **_where("resolved_at")),
        _index("reports_all", "-at", "-_id"),
    ],
    "leases": [
        _index("leases_ended", "until", expireAfterSeconds=LEASES_KEPT_SECONDS),
    ],
}

RETIRED: Final[Mapping[str, frozenset[str]]] = {
    "log": frozenset({"log_pods", "log_hidden", "log_undelivered"}),
    "revocations": frozenset({"revocations_ended"}),
}
"""Names that earlier versions used; what they named is dropped."""
