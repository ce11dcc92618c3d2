"""Schedules: crontab lines and systemd units."""
