"""The durable path: whole pods over a real MongoDB and a real Redis."""
