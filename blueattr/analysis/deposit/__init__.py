"""What of a study others may keep: records, agents and settings, without texts and handles."""
