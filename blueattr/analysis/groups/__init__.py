"""Groups of agents: where they come from, and who is in which."""
