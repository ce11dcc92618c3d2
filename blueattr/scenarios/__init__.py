"""Small simulations whose exact Shapley values can be computed: records, models, games."""
