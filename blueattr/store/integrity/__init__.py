"""How damage to a store is noticed: what its catalog must say, its seal, and sums of its rows."""
