"""What carried an indicator: records, hours, one account, and who interacted with whom."""
