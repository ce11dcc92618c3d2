-- How many posts may match. One row.
SELECT count(*) AS posts
FROM possible_match
