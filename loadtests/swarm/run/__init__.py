"""A run as its master sees it: what would spoil it, how it goes, and what it came to."""
