"""The rules of the three simulations: what a step does, in its discrete and its smooth form."""
