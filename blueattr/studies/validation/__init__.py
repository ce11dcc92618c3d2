"""Comparison of the attribution with exact and sampled Shapley and Banzhaf values."""
