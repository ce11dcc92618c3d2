"""Derivatives of the smooth forms in reverse mode: one pass for all agents."""
