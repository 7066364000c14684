"""Who is typing: told at once or not at all, and never stored."""
