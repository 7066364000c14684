"""Everything in one process and one SQLite file."""
