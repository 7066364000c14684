"""Live sessions: what a socket is greeted with, and how it outlives its access token."""
