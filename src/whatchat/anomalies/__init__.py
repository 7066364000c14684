"""What looks wrong: rules on metadata alone, counted on all pods, beside all commands."""
