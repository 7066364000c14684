"""What is done about the log in the background: feeding it to workers, and what they do."""
