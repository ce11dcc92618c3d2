-- Sum the hashes of the rows of the table $name, which is not that of records. One row.
SELECT $name AS name, NULL::DATE AS day, count(*) AS rows, coalesce(sum(hash(*COLUMNS(*))), 0) AS total
FROM query_table($name)
