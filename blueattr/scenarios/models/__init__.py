"""The three simulations that ship, as scenarios made of a record."""
