"""Fields of the results that have many: names, definitions, JSON and tidy tables."""
