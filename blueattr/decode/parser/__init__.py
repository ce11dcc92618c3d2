"""The compiled parser of Jetstream lines."""
