-- Accounts that are gone at the window's end and that the summaries do not watch yet. Grain: one
-- account.
-- Needs: inactive, watched
-- Makes: giver

CREATE OR REPLACE TEMP TABLE giver AS
SELECT account
FROM inactive
WHERE account NOT IN (SELECT account FROM watched)
