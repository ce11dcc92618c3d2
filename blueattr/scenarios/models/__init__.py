"""The three simulations that ship: what a step does, in its discrete and its smooth form."""
