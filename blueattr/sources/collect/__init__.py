"""A past topic from what services answer: search, backlinks, threads; with or without a login."""
