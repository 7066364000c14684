"""What the product does: one independent folder per feature."""
