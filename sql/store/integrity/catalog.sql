-- What the catalog of the database $database defines. Grain: one thing, in order. The engine's own are
-- left out; indexes of keys are in the text of their tables. No view is bound for this, and nothing of
-- the database is read.
SELECT 'schema' AS kind, schema_name AS name, '' AS text
FROM duckdb_schemas()
WHERE database_name = $database AND NOT internal
UNION ALL
SELECT 'table', schema_name || '.' || table_name, sql
FROM duckdb_tables()
WHERE database_name = $database AND NOT internal
UNION ALL
SELECT 'view', schema_name || '.' || view_name, sql
FROM duckdb_views()
WHERE database_name = $database AND NOT internal
UNION ALL
SELECT 'type', schema_name || '.' || type_name, logical_type || labels::VARCHAR
FROM duckdb_types()
WHERE database_name = $database AND NOT internal
UNION ALL
SELECT 'index', schema_name || '.' || index_name, sql
FROM duckdb_indexes()
WHERE database_name = $database
UNION ALL
SELECT 'sequence', schema_name || '.' || sequence_name, sql
FROM duckdb_sequences()
WHERE database_name = $database
UNION ALL
SELECT 'trigger', schema_name || '.' || trigger_name, sql
FROM duckdb_triggers()
WHERE database_name = $database
UNION ALL
SELECT 'macro', schema_name || '.' || function_name, coalesce(macro_definition, '')
FROM duckdb_functions()
WHERE database_name = $database AND NOT internal
ORDER BY ALL
