"""The tracing engine: pure functions over a ledger. No Django, clock, randomness or environment."""
