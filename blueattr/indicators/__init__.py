"""Macro indicators: the shipped ones, examples, and those of users."""
