-- How many rows were found beside those that are kept. One row. Needs the temp table `found`.
SELECT count(*) AS records
FROM found
