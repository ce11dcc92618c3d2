"""Who counts as an agent, and what each did in a window."""

__all__ = ["EVERY_TOPIC"]


# Here, so that who only parses options need not load what topics are made of.
EVERY_TOPIC = "all-topics"
"""The name that stands for all topics, bundled and from the user's file, one by one."""
