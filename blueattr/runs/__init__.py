"""Scheduled runs: settings, plan, run, publish, record."""
