"""How cost grows with connections, messages, pods, rooms and backlog, and what more would need."""
