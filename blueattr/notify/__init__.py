"""Telling somebody: pings, metrics, and notices of what happened or crossed a bound."""
