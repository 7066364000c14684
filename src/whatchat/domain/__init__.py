"""The language of Whatchat: pure values, rules and ports; imports nothing of ours."""
