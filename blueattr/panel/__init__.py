"""Who counts as an agent, and what each did in a window."""
