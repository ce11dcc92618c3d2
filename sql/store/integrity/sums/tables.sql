-- Tables whose rows are summed: all, but for the sums themselves and the mark of the last commit. Grain:
-- one table, with no fewer rows than it has.
SELECT table_name AS name, estimated_size AS rows
FROM duckdb_tables()
WHERE database_name = 'store' AND table_name NOT IN ('row_sum', 'row_hash', 'last_commit')
ORDER BY name
