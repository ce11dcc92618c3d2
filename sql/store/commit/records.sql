-- About how many rows the table of records has, without looking at them. One row.
SELECT estimated_size AS records
FROM duckdb_tables()
WHERE database_name = 'store' AND table_name = 'record'
