-- One row per change of a room. A message's row also holds its current state (`message`) and
-- the rev of its latest change (`message_rev`); `target` is the message that a change alters.
-- `hidden` is a message that its sender alone sees, `uncounted` one that nobody has unread, and
-- `open_rev` is there where only some of a message's changes are hidden. At `expiring_at` a message
-- is over; once erased it has none. `undelivered` is one whose content
-- is to go once it is delivered.
CREATE TABLE IF NOT EXISTS log (
    room_id     TEXT NOT NULL,
    rev         INTEGER NOT NULL,
    actor_id    TEXT NOT NULL,
    client_id   TEXT NOT NULL,
    digest      BLOB NOT NULL,
    at          INTEGER NOT NULL,
    pod         TEXT NOT NULL,
    change      BLOB NOT NULL,
    target      INTEGER,
    message     BLOB,
    message_rev INTEGER,
    hidden      INTEGER NOT NULL DEFAULT 0,
    uncounted   INTEGER NOT NULL DEFAULT 0,
    open_rev    INTEGER,
    expiring_at INTEGER,
    undelivered INTEGER,
    PRIMARY KEY (room_id, rev)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX IF NOT EXISTS log_once ON log (room_id, actor_id, client_id);
CREATE INDEX IF NOT EXISTS log_targets ON log (room_id, target) WHERE target IS NOT NULL;

-- In which order the entries of all rooms were written, and how far background work has come.
CREATE TABLE IF NOT EXISTS log_order (
    number  INTEGER PRIMARY KEY,
    room_id TEXT NOT NULL,
    rev     INTEGER NOT NULL
) STRICT;

CREATE TRIGGER IF NOT EXISTS log_ordered AFTER INSERT ON log BEGIN INSERT INTO log_order (room_id, rev) VALUES (new.room_id, new.rev); END;

-- What was written before there was an order has the order of its time.
INSERT INTO log_order (room_id, rev) SELECT room_id, rev FROM log WHERE NOT EXISTS (SELECT 1 FROM log_order) ORDER BY at, rev;

CREATE TABLE IF NOT EXISTS bookmarks (
    name     TEXT PRIMARY KEY,
    position BLOB NOT NULL
) STRICT, WITHOUT ROWID;
