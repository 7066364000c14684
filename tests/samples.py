"""What a pod's metrics say."""

from whatchat.observability.metrics import Metrics


def sample(metrics: Metrics, name: str, **labels: str) -> float:
    """A sample as a scraper would get it now, by its full name; 0 if there is none."""
    metrics.refresh()
    return metrics.registry.get_sample_value(f"whatchat_{name}", labels) or 0.0
