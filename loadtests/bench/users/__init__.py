"""What a person of a load test costs the machine that plays it, in two ways of playing."""
