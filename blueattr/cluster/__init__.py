"""Tasks on the cores of this machine, or on many machines."""
