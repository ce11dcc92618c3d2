"""What a store is asked about itself, and what it is told to do: status, rollup, forget."""
