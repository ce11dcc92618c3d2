"""Scheduled runs under the real cron daemon, and a week of them."""
