-- Under which words each message is found; `at` is the message's.
CREATE TABLE IF NOT EXISTS message_words (
    word    TEXT NOT NULL,
    room_id TEXT NOT NULL,
    at      INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    PRIMARY KEY (word, room_id, at, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS message_words_by_message ON message_words (room_id, seq);
