-- What each account did and received in the window. Grain: one account. Needs the temp tables
-- `inactive` and `tally`.
SELECT * EXCLUDE (records)
FROM tally
WHERE account NOT IN (SELECT account FROM inactive)
