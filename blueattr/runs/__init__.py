"""Scheduled runs: plan, run, publish, record."""
