-- Nothing waits to be matched any longer.
DELETE FROM pending
