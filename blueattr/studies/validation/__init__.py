"""The attribution beside exact and sampled Shapley and Banzhaf values."""
