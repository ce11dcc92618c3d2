"""Features into values: the Aumann-Shapley value of every agent, tiers and samples."""
