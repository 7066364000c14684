"""The roles that adapters play, one per file. Times are aware UTC, limits are row counts."""
