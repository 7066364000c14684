"""The words of messages as rows, written with the log's entries."""

import sqlite3

from whatchat.domain.message_state import MessageState
from whatchat.domain.times import to_millis
from whatchat.domain.words import words_of


def add_words(connection: sqlite3.Connection, state: MessageState) -> None:
    """Have a new message found by its words."""
    if state.message_type == "system":
        return
    words = dict.fromkeys(words_of(state.content))
    if state.veil:
        words |= dict.fromkeys(words_of(state.veil.content))
    at = to_millis(state.created_at)
    if state.hidden:
        connection.executemany(
            "INSERT INTO hidden_words VALUES (?, ?, ?, ?, ?)",
            [(word, state.room_id, state.sender_id, at, state.seq) for word in words],
        )
        return
    connection.executemany(
        "INSERT INTO message_words VALUES (?, ?, ?, ?)",
        [(word, state.room_id, at, state.seq) for word in words],
    )


def replace_words(connection: sqlite3.Connection, state: MessageState) -> None:
    """Have a message found by the words that it has now, and by no others."""
    table = "hidden_words" if state.hidden else "message_words"
    connection.execute(
        f"DELETE FROM {table} WHERE room_id = ? AND seq = ?", (state.room_id, state.seq)
    )
    add_words(connection, state)
