"""Scripted agents: seeded runs of the three simulations, without a language model."""
