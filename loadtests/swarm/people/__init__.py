"""Who comes, talks, hears, and keeps a ledger of it."""
