"""Who is told of runs, of what, and what was told already."""
