"""What limits and audit cost a message."""
