CREATE TABLE IF NOT EXISTS accounts (
    user_id             TEXT PRIMARY KEY,
    username            TEXT NOT NULL UNIQUE,
    display_name        TEXT NOT NULL,
    display_name_folded TEXT NOT NULL,
    password_hash       TEXT NOT NULL,
    created_at          INTEGER NOT NULL,
    presence            TEXT NOT NULL,
    read_receipts       INTEGER NOT NULL,
    changed_at          INTEGER,
    banned_at           INTEGER,
    ban_reason          TEXT,
    signed_out_at       INTEGER,
    excluded_at         INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS devices (
    user_id      TEXT NOT NULL,
    device_id    TEXT NOT NULL,
    name         TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    grant_id     TEXT UNIQUE,
    token_hash   BLOB,
    expires_at   INTEGER,
    PRIMARY KEY (user_id, device_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS rotations (
    token_hash BLOB PRIMARY KEY,
    grant_id   TEXT NOT NULL,
    nonce_hash BLOB NOT NULL,
    rotated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS rotations_by_time ON rotations (rotated_at);

CREATE TABLE IF NOT EXISTS revocations (
    grant_id   TEXT PRIMARY KEY,
    revoked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS revocations_by_time ON revocations (revoked_at);
