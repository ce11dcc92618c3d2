-- How many vectors of the table, 2048 rows each, have rows that go. One row.
SELECT count(DISTINCT place // 2048) AS vectors
FROM (
    SELECT place FROM seen WHERE changed
    UNION ALL
    SELECT place FROM orphaned
)
