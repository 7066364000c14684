-- Under which words each message is found; `at` is the message's.
CREATE TABLE IF NOT EXISTS message_words (
    word    TEXT NOT NULL,
    room_id TEXT NOT NULL,
    at      INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    PRIMARY KEY (word, room_id, at, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS message_words_by_message ON message_words (room_id, seq);

-- The same for messages that their sender alone sees: apart, so that others never pass over them.
CREATE TABLE IF NOT EXISTS hidden_words (
    word      TEXT NOT NULL,
    room_id   TEXT NOT NULL,
    sender_id TEXT NOT NULL,
    at        INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    PRIMARY KEY (word, room_id, sender_id, at, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS hidden_words_by_message ON hidden_words (room_id, seq);
