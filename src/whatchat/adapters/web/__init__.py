"""What is read from other servers over HTTP."""
