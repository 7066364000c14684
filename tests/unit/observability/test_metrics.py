from whatchat.observability.metrics import Metrics


def test_pods_of_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.commands.labels("SendMessage", "ok").inc()
    assert b'whatchat_commands_total{command="SendMessage",outcome="ok"} 1.0' in one.render()
    assert b"SendMessage" not in other.render()


def test_everything_has_the_products_prefix_and_a_help_text() -> None:
    metrics = Metrics()
    ours = [
        family
        for family in metrics.registry.collect()
        if not family.name.startswith(("process_", "python_"))
    ]
    assert len(ours) >= 8
    assert all(family.name.startswith("whatchat_") and family.documentation for family in ours)


def test_latency_is_told_from_a_millisecond_to_ten_seconds() -> None:
    metrics = Metrics()
    metrics.command_seconds.labels("SendMessage").observe(0.0005)
    text = metrics.render().decode()
    assert 'whatchat_command_seconds_bucket{command="SendMessage",le="0.001"} 1.0' in text
    assert 'le="10.0"' in text
