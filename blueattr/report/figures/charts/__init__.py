"""Charts, drawn: their kinds, what all of them look like, and how they become files."""
