"""What the commands need at run time: topics, bot rules, the sample."""
