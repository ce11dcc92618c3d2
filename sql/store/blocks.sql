-- How many blocks the engine says the file has. One row.
SELECT total_blocks AS blocks
FROM pragma_database_size()
WHERE database_name = 'store'
