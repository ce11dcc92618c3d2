"""A week of everything at once, in minutes: follower, watch, hourly runs, notices, and faults."""
