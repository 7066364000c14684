CREATE TABLE IF NOT EXISTS rooms (
    room_id           TEXT PRIMARY KEY,
    kind              TEXT NOT NULL,
    name              TEXT NOT NULL,
    name_folded       TEXT NOT NULL,
    description       TEXT NOT NULL,
    settings          BLOB NOT NULL,
    is_public         INTEGER NOT NULL,
    created_by        TEXT NOT NULL,
    created_at        INTEGER NOT NULL,
    rev               INTEGER NOT NULL,
    changed_rev       INTEGER NOT NULL,
    participant_count INTEGER NOT NULL,
    last_activity     INTEGER NOT NULL,
    last_message_seq  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS rooms_public ON rooms (last_activity, room_id) WHERE is_public = 1;

-- `known_activity` and `known_message_seq` are there where a person does not see the room's latest.
CREATE TABLE IF NOT EXISTS members (
    room_id       TEXT NOT NULL,
    user_id       TEXT NOT NULL,
    role          TEXT NOT NULL,
    joined_seq    INTEGER NOT NULL,
    delivered_seq INTEGER NOT NULL DEFAULT 0,
    read_seq      INTEGER NOT NULL DEFAULT 0,
    shown_delivered_seq INTEGER NOT NULL DEFAULT 0,
    shown_read_seq      INTEGER NOT NULL DEFAULT 0,
    concealed           INTEGER NOT NULL DEFAULT 0,
    devices             BLOB NOT NULL DEFAULT x'7b7d',
    moved_at            INTEGER NOT NULL DEFAULT 0,
    shown_at            INTEGER NOT NULL DEFAULT 0,
    known_activity      INTEGER,
    known_message_seq   INTEGER,
    PRIMARY KEY (room_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS members_by_user ON members (user_id, room_id);
CREATE INDEX IF NOT EXISTS members_admins ON members (room_id, joined_seq) WHERE role = 'admin';

-- Changes of rooms rather than of messages, by the time at which they were written.
CREATE TABLE IF NOT EXISTS room_changes (
    changed_at INTEGER NOT NULL,
    room_id    TEXT NOT NULL,
    rev        INTEGER NOT NULL,
    PRIMARY KEY (changed_at, room_id, rev)
) STRICT, WITHOUT ROWID;
