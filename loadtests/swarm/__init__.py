"""People who chat, thousands in a process: what Locust's scenarios are made of."""
