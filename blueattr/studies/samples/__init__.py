"""Samples of a panel: beside the whole, put right, and how large they must be."""
