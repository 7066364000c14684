"""What SQLite's errors mean for whoever runs the node."""

import sqlite3


def failure(error: sqlite3.Error) -> str:
    """What the log says of it: where somebody can help, what to do."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return "the store's disk is full: free space there; nothing new is accepted until then"
    if code in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY}:
        return "the store's disk does not take what is written: see what the system says of it"
    return "database call failed"
