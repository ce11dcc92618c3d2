"""Language models as judges of a recorded simulation: who drove it, as a model reads the trace."""
