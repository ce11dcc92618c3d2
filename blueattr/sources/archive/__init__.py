"""Windows of the past from a Jetstream archive."""
