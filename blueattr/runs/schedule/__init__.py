"""Schedules of runs: crontab lines and systemd units."""
