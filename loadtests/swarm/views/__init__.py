"""How a run is seen: figures for Prometheus while it goes on, and pictures afterwards."""
