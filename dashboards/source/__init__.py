"""The dashboards, as Python: ``python -m dashboards.source`` writes ``dashboards/*.json``."""
