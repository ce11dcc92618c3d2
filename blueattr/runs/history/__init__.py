"""What earlier runs did and found: the record, its lists, and shares over time."""
