"""How far people have received and read, and who is told."""
