"""What happens now, down to a socket and a message, for those who run the server."""
