-- How many matches there are to hang on. One row.
SELECT count(*) AS posts
FROM hook
