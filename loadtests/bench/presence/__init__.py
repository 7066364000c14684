"""What it costs when everybody comes, and goes, at once."""
