-- A block that was lifted stays for a while without `since`, so that every pod learns of it.
CREATE TABLE IF NOT EXISTS blocks (
    blocker_id TEXT NOT NULL,
    blocked_id TEXT NOT NULL,
    since      INTEGER,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (blocker_id, blocked_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS blocks_made ON blocks (blocker_id, since, blocked_id) WHERE since IS NOT NULL;
CREATE INDEX IF NOT EXISTS blocks_met ON blocks (blocked_id, blocker_id) WHERE since IS NOT NULL;
CREATE INDEX IF NOT EXISTS blocks_changed ON blocks (changed_at);
CREATE INDEX IF NOT EXISTS blocks_lifted ON blocks (changed_at) WHERE since IS NULL;
