-- The tables of a format that were imported, by the beginnings of their names. Grain: one source.
SELECT name
FROM source
WHERE kind = 'import' AND kept > 0 AND starts_with(name, $beginning)
ORDER BY name
