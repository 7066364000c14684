"""From the wire to the services and back."""
