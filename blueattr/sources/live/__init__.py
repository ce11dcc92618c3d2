"""Streams: Jetstream and relays."""
