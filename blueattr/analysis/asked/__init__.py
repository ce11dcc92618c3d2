"""What a user writes, read into values: options, sizes, windows, names for accounts."""
