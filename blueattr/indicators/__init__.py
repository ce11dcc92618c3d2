"""Macro indicators: the four, three more, and custom ones."""
