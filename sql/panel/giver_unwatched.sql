-- Of those, whom the summaries do not watch yet.
CREATE OR REPLACE TEMP TABLE giver AS
SELECT account
FROM inactive
WHERE account NOT IN (SELECT account FROM watched)
