-- Note that no record waits to be matched any longer.
-- Needs: pending
-- Makes: nothing

DELETE FROM pending
