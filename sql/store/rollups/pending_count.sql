-- How many records wait to be matched. One row.
SELECT count(*) AS records
FROM pending
