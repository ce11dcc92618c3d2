-- How many records the sums are of, and how many there are. One row.
SELECT
    (SELECT coalesce(sum(rows), 0) FROM row_sum WHERE name = 'record') AS summed,
    (SELECT count(*) FROM record) AS stored
