CREATE TABLE IF NOT EXISTS audit_pending (
    position  INTEGER PRIMARY KEY AUTOINCREMENT,
    record_id TEXT NOT NULL UNIQUE,
    body      BLOB NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS audit_chain (
    seq       INTEGER PRIMARY KEY,
    record_id TEXT NOT NULL UNIQUE,
    previous  BLOB NOT NULL,
    body      BLOB NOT NULL,
    digest    BLOB NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS audit_heads (
    seq  INTEGER PRIMARY KEY,
    head BLOB NOT NULL
) STRICT;

-- Against mistakes. Whoever means to change the chain can drop these; that it was changed is found
-- by its digests. REPLACE removes rows without asking triggers on DELETE.
CREATE TRIGGER IF NOT EXISTS audit_chain_unchanged BEFORE UPDATE ON audit_chain BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER IF NOT EXISTS audit_chain_kept BEFORE DELETE ON audit_chain BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER IF NOT EXISTS audit_heads_unchanged BEFORE UPDATE ON audit_heads BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER IF NOT EXISTS audit_heads_kept BEFORE DELETE ON audit_heads BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER IF NOT EXISTS audit_chain_once BEFORE INSERT ON audit_chain WHEN EXISTS (SELECT 1 FROM audit_chain WHERE seq = NEW.seq OR record_id = NEW.record_id) BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER IF NOT EXISTS audit_heads_once BEFORE INSERT ON audit_heads WHEN EXISTS (SELECT 1 FROM audit_heads WHERE seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
