"""Whole pages: a report's, a notebook's, a gallery's."""
