"""Groups of agents: their values, what they do to one another, and the panel without them."""
