-- `message_id` is empty where the report is about a person: of NULLs all would be different.
CREATE TABLE IF NOT EXISTS reports (
    report_id   TEXT PRIMARY KEY,
    reporter_id TEXT NOT NULL,
    user_id     TEXT NOT NULL,
    room_id     TEXT,
    message_id  TEXT NOT NULL,
    reason      TEXT NOT NULL,
    at          INTEGER NOT NULL,
    resolution  TEXT,
    resolved_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX IF NOT EXISTS reports_once ON reports (reporter_id, user_id, message_id) WHERE resolved_at IS NULL;
CREATE INDEX IF NOT EXISTS reports_about ON reports (user_id) WHERE resolved_at IS NULL;
CREATE INDEX IF NOT EXISTS reports_open ON reports (at, report_id) WHERE resolved_at IS NULL;
CREATE INDEX IF NOT EXISTS reports_resolved ON reports (at, report_id) WHERE resolved_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS reports_all ON reports (at, report_id);
