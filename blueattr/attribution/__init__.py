"""From features to the Aumann-Shapley value of every agent; tiers and samples."""
