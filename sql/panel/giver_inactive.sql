-- Whose gifts do not count: those of accounts that are gone at the window's end.
CREATE OR REPLACE TEMP TABLE giver AS
SELECT account
FROM inactive
