-- What is known of one source. Grain: one source, at most one row.
SELECT *
FROM source
WHERE name = $name
