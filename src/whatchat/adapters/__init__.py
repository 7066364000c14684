"""Technologies that play the domain's roles."""
